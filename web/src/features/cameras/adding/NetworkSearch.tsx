import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { discover } from '../../../client/onvif';
import { camerasQuery } from '../../../client/queries';
import type { FoundDevice } from '../../../client/types';
import { Notice } from '../../../kit/Notice';
import { StateMark } from '../../../kit/StateMark';
import { useAttempt } from '../../../kit/useAttempt';
import { useNow } from '../../../kit/useNow';
import { useProblemWords } from '../../../kit/useProblemWords';
import classes from './adding.module.css';
import { hostOf, titleOf } from './proposal';

/** Cameras answer within a second or two; slow ones get a second chance. */
const SEARCH_S = 5;

export type Search = ReturnType<typeof useNetworkSearch>;

/** Begins to search at once; a search is given up with the drawer, or by hand. */
export function useNetworkSearch() {
  const { begin, giveUp } = useAttempt();
  const [startedAt, setStartedAt] = useState(() => Date.now());
  const search = useMutation<FoundDevice[]>({ mutationFn: () => discover(SEARCH_S, begin()) });
  const { mutate, reset } = search;
  useEffect(() => mutate(), [mutate]);
  return {
    found: search.data,
    problem: search.error,
    searching: search.isPending,
    startedAt,
    again: () => {
      setStartedAt(Date.now());
      mutate();
    },
    cancel: () => {
      giveUp();
      reset();
    },
  };
}

interface Props {
  search: Search;
  onPick: (address: string) => void;
  onOther: (way: 'stream' | 'onvif') => void;
}

export function NetworkSearch({ search, onPick, onOther }: Props) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { found, problem, searching } = search;
  return (
    <Stack gap="sm">
      {searching ? <Searching search={search} /> : null}
      {problem ? <Notice {...say(problem)} /> : null}
      {!searching && found?.length === 0 ? (
        <div className={classes.none} data-testid="found-none">
          <Text fw={600}>{t('adding.none')}</Text>
          <ul>
            <li>{t('adding.checkNetwork')}</li>
            <li>{t('adding.checkOnvif')}</li>
            <li>{t('adding.checkPower')}</li>
          </ul>
          <Button variant="default" size="xs" onClick={() => onOther('onvif')}>
            {t('adding.toAddress')}
          </Button>
        </div>
      ) : null}
      {found && found.length > 0 ? <Devices found={found} onPick={onPick} /> : null}
      {searching ? null : (
        <Group>
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} />}
            data-testid="search-again"
            onClick={search.again}
          >
            {t(found || problem ? 'adding.again' : 'adding.search')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Searching({ search }: { search: Search }) {
  const { t } = useTranslation();
  const now = useNow(0, 250);
  const passed = Math.max(0, (now - search.startedAt) / 1000);
  const left = Math.ceil(SEARCH_S - passed);
  return (
    <div className={classes.searching} data-testid="searching">
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" role="status">
          {left > 0 ? t('adding.searching', { s: left }) : t('adding.almost')}
        </Text>
        <Button size="xs" variant="subtle" data-testid="search-cancel" onClick={search.cancel}>
          {t('app.cancel')}
        </Button>
      </Group>
      <Progress value={Math.min(100, (passed / SEARCH_S) * 100)} aria-hidden />
    </div>
  );
}

/** Those that are not yet added first: they are what one came for. */
function Devices({ found, onPick }: { found: FoundDevice[]; onPick: (address: string) => void }) {
  const { t } = useTranslation();
  const { data: cameras = [] } = useQuery(camerasQuery);
  // What was added since the search is known from the list of cameras.
  const codeOf = (device: FoundDevice) => {
    const hosts = device.addresses.map(hostOf);
    const now = cameras.filter((camera) => camera.onvif !== '' && hosts.includes(hostOf(camera.onvif)));
    const codes = [...new Set([...device.codes, ...now.map((camera) => camera.code)])];
    return codes.length === 0 ? null : codes.join(', ');
  };
  const rows = found
    .map((device) => ({ device, code: codeOf(device) }))
    .sort((a, b) => Number(a.code !== null) - Number(b.code !== null));
  const fresh = rows.filter((row) => row.code === null).length;
  return (
    <>
      <Text size="sm" c="var(--ink-soft)" role="status">
        {t('adding.found', { count: found.length, fresh })}
      </Text>
      <ul className={classes.devices} data-testid="found">
        {rows.map(({ device, code }) => (
          <li key={device.endpoint}>
            <button
              type="button"
              className={classes.device}
              data-testid={`found-${hostOf(device.address)}`}
              data-added={code !== null}
              onClick={() => onPick(device.address)}
            >
              <span className={classes.title}>{titleOf(device) || t('adding.unnamed')}</span>
              <span className={classes.host}>{hostOf(device.address)}</span>
              {code === null ? null : <StateMark mark="good" word={t('adding.added', { code })} />}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
