import { ActionIcon, Button, Loader, Text } from '@mantine/core';
import { IconArrowLeft, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNode } from '../../client/queries';
import { readersQuery } from '../../client/readers';
import type { Reader, Readers } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useNow } from '../../kit/useNow';
import { useProblemWords } from '../../kit/useProblemWords';
import { fullTime, shortTime } from '../../kit/zone';
import { AddReader } from './AddReader';
import { RemoveReader } from './RemoveReader';
import classes from './ReadersPage.module.css';

/** Other programs that watch this node's cameras, each with a key of its own. */
export default function ReadersPage() {
  const { t } = useTranslation();
  const say = useProblemWords();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Reader | null>(null);
  const { data, error } = useQuery(readersQuery);
  const readers = data?.readers;
  return (
    <div className={classes.page}>
      <div className={classes.bar}>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconArrowLeft size={16} />}
          renderRoot={(props) => <Link to="/cameras" {...props} />}
        >
          {t('device.toList')}
        </Button>
        <h2>{t('app.readers')}</h2>
        <Button leftSection={<IconPlus size={16} />} data-testid="add-reader" onClick={() => setAdding(true)}>
          {t('readers.add')}
        </Button>
      </div>
      <Text size="sm" c="var(--ink-soft)" maw={720}>
        {t('readers.intro')}
      </Text>
      {error ? <Notice {...say(error)} /> : null}
      {data && data.rtsp.address === null ? (
        <Notice tone="warn" message={t('readers.closed')} hint={closedHint(data.rtsp, t)} />
      ) : null}
      {readers === undefined ? (
        error ? null : (
          <Loader size="sm" m="xl" />
        )
      ) : readers.length === 0 ? (
        <div className={classes.nothing}>
          <Text fw={600}>{t('readers.none')}</Text>
          <Text c="var(--ink-soft)">{t('readers.noneHint')}</Text>
        </div>
      ) : (
        <List readers={readers} onRemove={setRemoving} />
      )}
      {adding ? <AddReader pattern={data?.rtsp.address ?? null} onClose={() => setAdding(false)} /> : null}
      <RemoveReader reader={removing} onClose={() => setRemoving(null)} />
    </div>
  );
}

/** What to do before anybody can read. */
function closedHint(rtsp: Readers['rtsp'], t: TFunction): string {
  if (rtsp.state === 'off') return t('readers.offHint');
  return rtsp.state === 'port_taken' ? t('readers.portTakenHint', { port: rtsp.port }) : t('readers.notRunningHint');
}

function List({ readers, onRemove }: { readers: Reader[]; onRemove: (reader: Reader) => void }) {
  const { t } = useTranslation();
  const { zone, skewMs } = useNode();
  const nowMs = useNow(skewMs, 60_000);
  const time = (at: string) => <time title={fullTime(zone, Date.parse(at))}>{shortTime(zone, Date.parse(at), nowMs)}</time>;
  return (
    <ul className={classes.list} data-testid="readers-list">
      {readers.map((reader) => (
        <li key={reader.id} data-testid={`reader-${reader.user}`}>
          <div className={classes.head}>
            <strong>{reader.name}</strong>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={`${t('cameras.remove')}: ${reader.name}`}
              data-testid={`reader-remove-${reader.user}`}
              onClick={() => onRemove(reader)}
            >
              <IconTrash size={18} />
            </ActionIcon>
          </div>
          <dl>
            <dt>{t('readers.user')}</dt>
            <dd>{reader.user}</dd>
            <dt>{t('readers.cameras')}</dt>
            <dd>{reader.cameras === null ? t('readers.all') : reader.cameras.join(', ')}</dd>
            <dt>{t('readers.until')}</dt>
            <dd>{reader.expires === null ? t('readers.noEnd') : time(reader.expires)}</dd>
            <dt>{t('readers.used')}</dt>
            <dd>{reader.used === null ? t('readers.never') : time(reader.used)}</dd>
          </dl>
        </li>
      ))}
    </ul>
  );
}
