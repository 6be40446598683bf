import { Button, Group, Modal, MultiSelect, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../client/problem';
import { camerasQuery } from '../../client/queries';
import { addReader, readersQuery } from '../../client/readers';
import type { NewReader, ReaderAsk } from '../../client/types';
import { CopyField } from '../../kit/CopyField';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import { asLanguage, dayCount } from '../../kit/words';
import { daysOf, ffmpegLine, ready } from './addresses';

const DAYS = ['7', '30', '90', '365', ''] as const;

interface Props {
  /** Of an address, with CODE in it; null while nobody can read. */
  pattern: string | null;
  onClose: () => void;
}

/** Asks what a new reader may see and for how long; then shows its key, once. */
export function AddReader({ pattern, onClose }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const add = useMutation<NewReader, Problem, ReaderAsk>({
    mutationFn: addReader,
    onSuccess: () => client.invalidateQueries({ queryKey: readersQuery.queryKey }),
  });
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={t('readers.add')}
      // The key is shown once: a click beside it must not take it away.
      closeOnClickOutside={add.data === undefined}
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      {add.data ? <Key made={add.data} pattern={pattern} onClose={onClose} /> : <Form add={add} onClose={onClose} />}
    </Modal>
  );
}

interface FormProps {
  add: { mutate: (ask: ReaderAsk) => void; isPending: boolean; error: Problem | null };
  onClose: () => void;
}

function Form({ add, onClose }: FormProps) {
  const { t, i18n } = useTranslation();
  const say = useProblemWords();
  const { data: cameras = [] } = useQuery(camerasQuery);
  const [name, setName] = useState('');
  const [codes, setCodes] = useState<string[]>([]);
  const [days, setDays] = useState<string>('90');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    add.mutate({ name: name.trim(), cameras: codes.length === 0 ? null : codes, days: daysOf(days) });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          data-autofocus
          label={t('readers.name')}
          placeholder={t('readers.nameExample')}
          maxLength={64}
          data-testid="reader-name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <MultiSelect
          label={t('readers.cameras')}
          description={t('readers.camerasHint')}
          placeholder={codes.length === 0 ? t('readers.all') : undefined}
          searchable
          data-testid="reader-cameras"
          data={cameras.map((camera) => ({ value: camera.code, label: `${camera.code} ${camera.name}` }))}
          value={codes}
          onChange={setCodes}
        />
        <Select
          label={t('readers.for')}
          allowDeselect={false}
          data-testid="reader-days"
          data={DAYS.map((value) => ({
            value,
            label: value === '' ? t('readers.noEnd') : dayCount(Number(value), asLanguage(i18n.language)),
          }))}
          value={days}
          onChange={(value) => setDays(value ?? days)}
        />
        {add.error ? <Notice {...say(add.error)} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('app.cancel')}
          </Button>
          <Button type="submit" loading={add.isPending} disabled={name.trim() === ''} data-testid="reader-save">
            {t('readers.make')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Key({ made, pattern, onClose }: Props & { made: NewReader }) {
  const { t } = useTranslation();
  const { data: cameras = [] } = useQuery(camerasQuery);
  const addresses = pattern === null ? [] : ready(cameras, made.cameras, pattern);
  const [code, setCode] = useState<string | null>(null);
  const shown = addresses.find((one) => one.code === code) ?? addresses[0];
  return (
    <Stack gap="sm" data-testid="reader-key">
      <Notice tone="warn" message={t('readers.once')} hint={t('readers.onceHint')} />
      <CopyField label={t('readers.user')} value={made.user} testid="reader-user" />
      <CopyField label={t('readers.secret')} value={made.secret} testid="reader-secret" />
      {shown ? (
        <>
          {addresses.length > 1 ? (
            <Select
              label={t('readers.camera')}
              searchable
              allowDeselect={false}
              data={addresses.map((one) => one.code)}
              value={shown.code}
              onChange={setCode}
            />
          ) : null}
          <CopyField label={t('readers.vlc')} value={shown.address} testid="reader-address" />
          <Text size="sm" c="var(--ink-soft)">
            {t('readers.vlcHint')}
          </Text>
          <CopyField label={t('readers.ffmpeg')} value={ffmpegLine(shown.address, made.user, made.secret)} />
        </>
      ) : null}
      <Group justify="flex-end">
        <Button onClick={onClose} data-testid="reader-done">
          {t('readers.done')}
        </Button>
      </Group>
    </Stack>
  );
}
