import { Button, Loader, Text, TextInput } from '@mantine/core';
import { IconBroadcast, IconPlus, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Suspense, lazy, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { camerasQuery, useMay, useNode } from '../../client/queries';
import type { Camera } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { StateMark } from '../../kit/StateMark';
import { useNow } from '../../kit/useNow';
import { useProblemWords } from '../../kit/useProblemWords';
import { CameraDrawer } from './CameraDrawer';
import { CameraRow } from './CameraRow';
import classes from './CamerasPage.module.css';
import { RemoveDialog } from './RemoveDialog';
import { type Group, counts, found } from './look';

const GROUPS = [
  { group: 'recording', mark: 'good' },
  { group: 'standby', mark: 'live' },
  { group: 'retrying', mark: 'bad' },
  { group: 'waiting', mark: 'busy' },
  { group: 'disabled', mark: 'idle' },
] as const;

// Shown only where there are some.
const RARE: ReadonlySet<Group> = new Set<Group>(['standby', 'waiting']);

const AddDrawer = lazy(() => import('./adding/AddDrawer'));

export default function CamerasPage() {
  const { t } = useTranslation();
  const say = useProblemWords();
  const may = useMay();
  const [query, setQuery] = useState('');
  const [group, setGroup] = useState<Group | null>(null);
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<Camera | null>(null);
  const [removing, setRemoving] = useState<Camera | null>(null);
  const { data: cameras, error } = useQuery(camerasQuery);
  const mayConfigure = may('configure');
  return (
    <div className={classes.page}>
      {error ? <Notice {...say(error)} /> : null}
      <div className={classes.bar}>
        {cameras ? <Counts cameras={cameras} group={group} onGroup={setGroup} /> : null}
        <TextInput
          className={classes.search}
          aria-label={t('cameras.search')}
          placeholder={t('cameras.search')}
          leftSection={<IconSearch size={16} />}
          value={query}
          data-testid="camera-search"
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        {mayConfigure ? (
          <Button
            variant="default"
            leftSection={<IconBroadcast size={16} />}
            data-testid="readers"
            renderRoot={(props) => <Link to="/readers" {...props} />}
          >
            {t('app.readers')}
          </Button>
        ) : null}
        {mayConfigure ? (
          <Button
            leftSection={<IconPlus size={16} />}
            data-testid="add-camera"
            onClick={() => setAdding(true)}
          >
            {t('cameras.add')}
          </Button>
        ) : null}
      </div>
      {cameras ? (
        <List
          cameras={found(cameras, query, group)}
          none={cameras.length === 0}
          mayConfigure={mayConfigure}
          onEdit={setEditing}
          onRemove={setRemoving}
        />
      ) : error ? null : (
        <Loader size="sm" m="xl" />
      )}
      <CameraDrawer key={editing?.code ?? 'closed'} camera={editing} onClose={() => setEditing(null)} />
      {adding ? (
        <Suspense>
          <AddDrawer onClose={() => setAdding(false)} />
        </Suspense>
      ) : null}
      <RemoveDialog camera={removing} onClose={() => setRemoving(null)} />
    </div>
  );
}

interface CountsProps {
  cameras: Camera[];
  group: Group | null;
  onGroup: (group: Group | null) => void;
}

/** Counts before content; each is also a filter. */
function Counts({ cameras, group, onGroup }: CountsProps) {
  const { t } = useTranslation();
  const number = counts(cameras);
  return (
    <div className={classes.counts} role="group" aria-label={t('cameras.counts')}>
      {GROUPS.filter((g) => !RARE.has(g.group) || number[g.group] > 0 || group === g.group).map((g) => (
        <button
          key={g.group}
          type="button"
          className={classes.count}
          aria-pressed={group === g.group}
          onClick={() => onGroup(group === g.group ? null : g.group)}
        >
          <strong>{number[g.group]}</strong>
          <StateMark mark={g.mark} word={t(`cameras.count.${g.group}`)} />
        </button>
      ))}
    </div>
  );
}

interface ListProps {
  cameras: Camera[];
  none: boolean;
  mayConfigure: boolean;
  onEdit: (camera: Camera) => void;
  onRemove: (camera: Camera) => void;
}

function List({ cameras, none, mayConfigure, onEdit, onRemove }: ListProps) {
  const { t } = useTranslation();
  const { zone, skewMs } = useNode();
  const nowMs = useNow(skewMs, 10_000);
  if (cameras.length === 0) {
    return (
      <div className={classes.nothing}>
        <Text fw={600}>{none ? t('wall.empty') : t('cameras.noMatch')}</Text>
        <Text c="var(--ink-soft)">{none ? t('cameras.emptyHint') : t('cameras.noMatchHint')}</Text>
      </div>
    );
  }
  return (
    <div className={classes.scroll}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{t('cameras.camera')}</th>
            <th scope="col">{t('cameras.state')}</th>
            <th scope="col">{t('cameras.picture')}</th>
            <th scope="col">{t('cameras.bitRate')}</th>
            <th scope="col">{t('cameras.clock')}</th>
            <th scope="col">
              <span className="sr-only">{t('cameras.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {cameras.map((camera) => (
            <CameraRow key={camera.code} {...{ camera, zone, nowMs, mayConfigure, onEdit, onRemove }} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
