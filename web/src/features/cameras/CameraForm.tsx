import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { addCamera, changeCamera, probe } from '../../client/actions';
import type { Problem } from '../../client/problem';
import { keys } from '../../client/queries';
import type { Camera, Probe } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useAttempt } from '../../kit/useAttempt';
import { useProblemWords } from '../../kit/useProblemWords';
import { ConnectionFields } from './ConnectionFields';
import { ProbeResult } from './ProbeResult';
import { RecordingFields } from './RecordingFields';
import { type CameraForm as Fields, EMPTY, type FormField, asChange, asNew, asProbe, formOf, isAddress, isForeign, wrongFields } from './form';

interface Props {
  /** Null: a new camera. */
  camera: Camera | null;
  onClose: () => void;
}

/** One camera by the addresses of its streams. */
export function CameraForm({ camera, onClose }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [form, setForm] = useState<Fields>(() => (camera ? formOf(camera) : EMPTY));
  const [wrong, setWrong] = useState<FormField[]>([]);
  const tried = useProbe((url) => setForm((now) => ({ ...now, url })));
  const save = useMutation<Camera>({
    mutationFn: () => (camera ? changeCamera(camera.code, asChange(form, camera)) : addCamera(asNew(form))),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.cameras });
      onClose();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const missing = wrongFields(form);
    setWrong(missing);
    if (missing.length === 0) save.mutate();
  };
  const field = (name: FormField) => ({
    label: t(`cameras.field.${name}`),
    description: name === 'password' && camera ? t('cameras.keepPassword') : undefined,
    value: form[name],
    error: wrong.includes(name) ? t(`cameras.wrong.${name === 'url' || name === 'subUrl' ? 'address' : 'empty'}`) : undefined,
    'data-testid': `camera-${name}`,
    autoComplete: 'off',
    onChange: (event: { currentTarget: { value: string } }) => {
      setForm({ ...form, [name]: event.currentTarget.value });
      setWrong(wrong.filter((w) => w !== name));
    },
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm">
        {camera?.password_hint ? <Notice tone="warn" message={t('cameras.weak')} hint={camera.password_hint} /> : null}
        <TextInput {...field('code')} required disabled={camera !== null} placeholder="DK-01" data-autofocus={!camera} />
        <TextInput {...field('name')} required placeholder={t('cameras.nameExample')} />
        <TextInput {...field('url')} required type="url" placeholder="rtsp://10.0.0.5/main" />
        <TextInput {...field('subUrl')} type="url" placeholder="rtsp://10.0.0.5/sub" />
        <Group grow align="start">
          <TextInput {...field('user')} />
          <PasswordInput {...field('password')} autoComplete="new-password" />
        </Group>
        <ConnectionFields form={form} onChange={(change) => setForm({ ...form, ...change })} />
        <RecordingFields form={form} onChange={(change) => setForm({ ...form, ...change })} />
        {form.mode === 'schedule' ? (
          <TextInput
            {...field('hours')}
            description={t('cameras.hoursHint')}
            placeholder="Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00"
          />
        ) : null}
        {isForeign(form.url) ? <Notice tone="info" message={t('cameras.foreign')} hint={t('cameras.foreignHint')} /> : null}
        <Tried tried={tried} />
        <Saved problem={save.error} />
        <Group justify="space-between" mt="xs">
          <Button
            variant="default"
            leftSection={<IconPlugConnected size={16} />}
            data-testid="probe"
            loading={tried.isPending}
            disabled={!isAddress(form.url)}
            onClick={() => tried.mutate(form)}
          >
            {t('cameras.probe')}
          </Button>
          <Button type="submit" data-testid="save-camera" loading={save.isPending}>
            {t('cameras.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A try is given up when the drawer is closed or another one begins. */
function useProbe(onAddress: (url: string) => void) {
  const { begin } = useAttempt();
  return useMutation<Probe, Problem, Fields>({
    mutationFn: (form) => probe(asProbe(form), begin()),
    // Some cameras can only be had by another address than the one typed.
    onSuccess: ({ url }) => {
      if (url) onAddress(url);
    },
  });
}

function Tried({ tried }: { tried: ReturnType<typeof useProbe> }) {
  const say = useProblemWords();
  return (
    <div data-testid="probe-result" aria-live="polite">
      {tried.error ? <Notice {...say(tried.error)} /> : null}
      {tried.data ? <ProbeResult probe={tried.data} /> : null}
    </div>
  );
}

function Saved({ problem }: { problem: Problem | null }) {
  const say = useProblemWords();
  return problem ? <Notice {...say(problem)} /> : null;
}
