import { Button, Checkbox, Group, Loader, Select, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { addCamera, probe } from '../../../client/actions';
import { type Login, setClock } from '../../../client/onvif';
import { Problem } from '../../../client/problem';
import { camerasQuery, keys } from '../../../client/queries';
import type { DeviceDescription, Probe, View } from '../../../client/types';
import { Notice } from '../../../kit/Notice';
import { useAttempt } from '../../../kit/useAttempt';
import { useProblemWords } from '../../../kit/useProblemWords';
import { RecordingFields } from '../RecordingFields';
import formClasses from '../CamerasPage.module.css';
import { type CameraForm, EMPTY, asNew } from '../form';
import { DeviceFacts } from './DeviceFacts';
import type { Saved } from './Done';
import classes from './adding.module.css';
import { nameFor, nextCode, sizeOf } from './proposal';

/** Further off than this a camera's own stamp in the picture misleads. */
const CLOCK_WRONG_S = 2;

interface Props {
  told: DeviceDescription;
  login: Login;
  onSaved: (saved: Saved) => void;
}

/** The picture and what will be recorded; code and name are proposed, so Enter is enough. */
export function Review({ told, login, onSaved }: Props) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { data: cameras = [] } = useQuery(camerasQuery);
  const [chosen, setChosen] = useState(0);
  const view = told.views[chosen];
  const [form, setForm] = useState<CameraForm>(() => ({
    ...EMPTY,
    code: nextCode(cameras),
    name: nameFor(told, 0),
    onvifEvents: told.abilities.includes('events'),
  }));
  const clockWrong = Math.abs(told.clock_offset_s ?? 0) > CLOCK_WRONG_S;
  const [setsClock, setSetsClock] = useState(clockWrong);
  const save = useSave(told, login, onSaved);
  if (view === undefined) return <Notice tone="warn" message={t('adding.noView')} hint={t('adding.noViewHint')} />;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    save.mutate({ form, view, setsClock });
  };
  const change = (fields: Partial<CameraForm>) => setForm({ ...form, ...fields });
  const pick = (value: string | null) => {
    const number = Number(value ?? 0);
    setChosen(number);
    change({ name: nameFor(told, number) });
  };
  return (
    <form onSubmit={submit} noValidate data-testid="device-review">
      <Stack gap="sm">
        <Picture key={view.main.token} view={view} login={login} />
        {told.views.length > 1 ? (
          <Select
            label={t('adding.lens')}
            data-testid="device-lens"
            allowDeselect={false}
            data={told.views.map((one, i) => ({ value: String(i), label: t('adding.lensNo', { n: i + 1, size: sizeOf(one) }) }))}
            value={String(chosen)}
            onChange={pick}
          />
        ) : null}
        {told.weak_password ? <Notice tone="warn" message={t('adding.weak')} hint={told.password_hint} /> : null}
        <DeviceFacts told={told} view={view} />
        {clockWrong ? (
          <Checkbox
            label={t('adding.setClock')}
            data-testid="device-set-clock"
            checked={setsClock}
            onChange={(event) => setSetsClock(event.currentTarget.checked)}
          />
        ) : null}
        <Name form={form} onChange={change} />
        <More form={form} events={told.abilities.includes('events')} onChange={change} />
        {save.error ? <Notice {...say(save.error)} /> : null}
        <Group justify="flex-end" className={classes.foot}>
          <Button
            type="submit"
            data-testid="device-save"
            loading={save.isPending}
            disabled={form.code.trim() === '' || form.name.trim() === ''}
          >
            {t('adding.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface FieldsProps {
  form: CameraForm;
  onChange: (fields: Partial<CameraForm>) => void;
}

function Name({ form, onChange }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <Group grow align="start">
      <TextInput
        label={t('cameras.field.code')}
        data-testid="device-code"
        value={form.code}
        onChange={(event) => onChange({ code: event.currentTarget.value })}
      />
      <TextInput
        autoFocus
        label={t('cameras.field.name')}
        data-testid="device-name"
        value={form.name}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
    </Group>
  );
}

/** Folded away: what is proposed is right for most. */
function More({ form, events, onChange }: FieldsProps & { events: boolean }) {
  const { t } = useTranslation();
  return (
    <details className={formClasses.more}>
      <summary>{t('adding.more')}</summary>
      <Stack gap="sm" mt="sm">
        <RecordingFields form={form} onChange={onChange} />
        {events ? (
          <Checkbox
            label={t('cameras.field.onvifEvents')}
            description={t('cameras.onvifEventsHint')}
            checked={form.onvifEvents}
            onChange={(event) => onChange({ onvifEvents: event.currentTarget.checked })}
          />
        ) : null}
      </Stack>
    </details>
  );
}

interface ToSave {
  form: CameraForm;
  view: View;
  setsClock: boolean;
}

function useSave(told: DeviceDescription, login: Login, onSaved: (saved: Saved) => void) {
  const client = useQueryClient();
  return useMutation<Saved, Problem, ToSave>({
    mutationFn: async ({ form, view, setsClock }) => {
      const urls = { url: view.main.url ?? '', subUrl: view.sub?.url ?? '', onvif: told.address };
      const camera = await addCamera(asNew({ ...form, ...urls, ...login }));
      // The camera is added whatever its clock says.
      const clock = setsClock ? await setClock(camera.code).then(() => null, asProblem) : null;
      return { camera, clock };
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: keys.cameras });
      onSaved(saved);
    },
  });
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/** What the main stream really sends: the description is only a promise. */
function Picture({ view, login }: { view: View; login: Login }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { begin } = useAttempt();
  const tried = useMutation<Probe>({
    mutationFn: () => probe({ url: view.main.url ?? '', ...login }, begin()),
  });
  const { mutate } = tried;
  useEffect(() => mutate(), [mutate]);
  if (tried.error) return <Notice {...say(tried.error)} />;
  return (
    <div className={classes.picture} aria-live="polite">
      {tried.data === undefined ? (
        <Group gap="xs">
          <Loader size="xs" /> {t('adding.gettingPicture')}
        </Group>
      ) : tried.data.picture === null ? (
        t('adding.noPicture')
      ) : (
        <img
          src={`data:image/jpeg;base64,${tried.data.picture}`}
          alt={t('cameras.probePicture')}
          data-testid="probe-picture"
        />
      )}
    </div>
  );
}
