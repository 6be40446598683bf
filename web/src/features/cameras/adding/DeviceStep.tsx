import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Login, describe } from '../../../client/onvif';
import type { Problem } from '../../../client/problem';
import type { DeviceDescription } from '../../../client/types';
import { Notice } from '../../../kit/Notice';
import { useAttempt } from '../../../kit/useAttempt';
import { useProblemWords } from '../../../kit/useProblemWords';
import { Done, type Saved } from './Done';
import { Review } from './Review';
import { hostOf } from './proposal';

interface Props {
  address: string;
  /** What opened the last camera. */
  login: Login;
  onLogin: (login: Login) => void;
  onBack: () => void;
  onClose: () => void;
}

/** One device: who may open it, what it shows, and then it is a camera. */
export function DeviceStep({ address, login, onLogin, onBack, onClose }: Props) {
  const { t } = useTranslation();
  const [saved, setSaved] = useState<Saved | null>(null);
  const { begin } = useAttempt();
  const asked = useMutation<DeviceDescription, Problem, Login>({
    mutationFn: (pair) => describe(address, pair, begin()),
    onSuccess: (_, pair) => onLogin(pair),
  });
  return (
    <Stack gap="sm">
      <Group gap="xs" wrap="nowrap">
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconArrowLeft size={16} />}
          data-testid="device-back"
          onClick={onBack}
        >
          {t('adding.back')}
        </Button>
        <Text fw={600} truncate>
          {hostOf(address)}
        </Text>
      </Group>
      {saved ? (
        <Done saved={saved} onNext={onBack} onClose={onClose} />
      ) : asked.data ? (
        <Review told={asked.data} login={asked.variables} onSaved={setSaved} />
      ) : (
        <Credentials login={login} asked={asked} />
      )}
    </Stack>
  );
}

interface CredentialsProps {
  login: Login;
  asked: { mutate: (pair: Login) => void; isPending: boolean; error: Problem | null };
}

function Credentials({ login, asked }: CredentialsProps) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const [pair, setPair] = useState(login);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    asked.mutate(pair);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm" c="var(--ink-soft)">
          {login.user === '' ? t('adding.login') : t('adding.sameLogin')}
        </Text>
        <TextInput
          autoFocus
          label={t('cameras.field.user')}
          autoComplete="off"
          data-testid="device-user"
          value={pair.user}
          onChange={(event) => setPair({ ...pair, user: event.currentTarget.value })}
        />
        <PasswordInput
          label={t('cameras.field.password')}
          autoComplete="new-password"
          data-testid="device-password"
          value={pair.password}
          onChange={(event) => setPair({ ...pair, password: event.currentTarget.value })}
        />
        {asked.error ? <Notice {...say(asked.error)} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={asked.isPending} data-testid="device-connect">
            {t('adding.connect')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
