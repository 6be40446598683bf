import { ActionIcon, Button, Group, Popover, Stack, Text, TextInput } from '@mantine/core';
import { IconBookmarkPlus, IconMapPin, IconPlayerPlay, IconPlayerStop, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { forgetPreset, goTo, keepPreset, patrolsQuery, presetsQuery, runPatrol } from '../../client/onvif';
import type { Problem } from '../../client/problem';
import type { CameraPreset } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import classes from './Head.module.css';

interface Props {
  code: string;
  presets: CameraPreset[];
}

/** Where the camera can be sent by name, and the rounds it can make. */
export function Presets({ code, presets }: Props) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: presetsQuery(code).queryKey });
  const go = useMutation<undefined, Problem, string>({ mutationFn: (token) => goTo(code, token) });
  const forget = useMutation<undefined, Problem, string>({
    mutationFn: (token) => forgetPreset(code, token),
    onSettled: refresh,
  });
  const problem = go.error ?? forget.error;
  return (
    <div className={classes.presets}>
      <h3 className={classes.part}>{t('device.presets')}</h3>
      {presets.length === 0 ? (
        <Text size="sm" c="var(--ink-soft)">
          {t('device.noPresets')}
        </Text>
      ) : (
        <ul className={classes.list} data-testid="presets">
          {presets.map((preset) => (
            <li key={preset.token}>
              <Button
                variant="default"
                size="xs"
                leftSection={<IconMapPin size={14} />}
                loading={go.isPending && go.variables === preset.token}
                data-testid={`preset-${preset.token}`}
                onClick={() => go.mutate(preset.token)}
              >
                {preset.name}
              </Button>
              <Forget name={preset.name} onForget={() => forget.mutate(preset.token)} />
            </li>
          ))}
        </ul>
      )}
      {problem ? <Notice {...say(problem)} /> : null}
      <Keep code={code} onKept={refresh} />
      <Patrols code={code} />
    </div>
  );
}

function Forget({ name, onForget }: { name: string; onForget: () => void }) {
  const { t } = useTranslation();
  return (
    <Popover position="top" withArrow trapFocus>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('device.forget', { name })}>
          <IconTrash size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <Text size="sm">{t('device.forgetAsk', { name })}</Text>
          <Button size="xs" color="red" onClick={onForget}>
            {t('device.forget', { name })}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function Keep({ code, onKept }: { code: string; onKept: () => Promise<void> }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const [name, setName] = useState('');
  const keep = useMutation<CameraPreset, Problem, string>({
    mutationFn: (wanted) => keepPreset(code, wanted),
    onSuccess: async () => {
      setName('');
      await onKept();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (name.trim() !== '') keep.mutate(name.trim());
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs" wrap="nowrap">
        <TextInput
          size="xs"
          flex={1}
          maxLength={80}
          aria-label={t('device.presetName')}
          placeholder={t('device.presetName')}
          data-testid="preset-name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          type="submit"
          size="xs"
          variant="default"
          leftSection={<IconBookmarkPlus size={14} />}
          loading={keep.isPending}
          disabled={name.trim() === ''}
          data-testid="preset-keep"
        >
          {t('device.keep')}
        </Button>
      </Group>
      {keep.error ? <Notice {...say(keep.error)} /> : null}
    </form>
  );
}

/** Cameras without patrols say so; then there is nothing to show. */
function Patrols({ code }: { code: string }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const { data: patrols = [] } = useQuery(patrolsQuery(code));
  const run = useMutation<undefined, Problem, { token: string; start: boolean }>({
    mutationFn: ({ token, start }) => runPatrol(code, token, start),
    onSettled: () => client.invalidateQueries({ queryKey: patrolsQuery(code).queryKey }),
  });
  if (patrols.length === 0) return null;
  return (
    <>
      <h3 className={classes.part}>{t('device.patrols')}</h3>
      <ul className={classes.list} data-testid="patrols">
        {patrols.map(({ token, name, running }) => {
          const start = !running;
          return (
            <li key={token}>
              <Button
                variant="default"
                size="xs"
                leftSection={start ? <IconPlayerPlay size={14} /> : <IconPlayerStop size={14} />}
                onClick={() => run.mutate({ token, start })}
              >
                {t(start ? 'device.startPatrol' : 'device.stopPatrol', { name })}
              </Button>
            </li>
          );
        })}
      </ul>
      {run.error ? <Notice {...say(run.error)} /> : null}
    </>
  );
}
