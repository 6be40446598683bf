import { Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { logIn } from '../../client/actions';
import type { Problem } from '../../client/problem';
import { keys, nodeQuery } from '../../client/queries';
import type { Session } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useNow } from '../../kit/useNow';
import { useProblemWords } from '../../kit/useProblemWords';
import { countdown, lockedUntil } from './lockout';

/** Only a path of our own: an address from outside must not decide where a fresh login goes. */
function safePath(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/';
}

export default function LoginPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const router = useRouter();
  const next = useSearch({ strict: false, select: (all) => safePath((all as Record<string, unknown>).next) });
  const { data: node } = useQuery(nodeQuery);
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [until, setUntil] = useState<number | null>(null);
  const nowMs = useNow(0);
  const login = useMutation<Session>({
    mutationFn: () => logIn(user.trim(), password),
    onSuccess: (session) => {
      client.setQueryData(keys.session, session);
      router.history.push(next);
    },
    onError: (problem) => {
      setPassword('');
      setUntil(lockedUntil(problem, Date.now()));
    },
  });
  const waitS = until === null ? 0 : (until - nowMs) / 1000;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    login.mutate();
  };
  return (
    <Stack align="center" justify="center" mih="100%" p="md">
      <Paper component="main" w="100%" maw={380} p="xl" withBorder shadow="sm" bg="var(--panel)">
        <form onSubmit={submit}>
          <Stack gap="md">
            <div>
              <Title order={1} size="h2">
                Lũy Tre
              </Title>
              <Text c="var(--ink-soft)">{node?.name ?? ' '}</Text>
            </div>
            <TextInput
              label={t('login.user')}
              data-testid="login-user"
              autoComplete="username"
              autoCapitalize="none"
              required
              withAsterisk={false}
              autoFocus
              value={user}
              onChange={(event) => setUser(event.currentTarget.value)}
            />
            <PasswordInput
              label={t('login.password')}
              data-testid="login-password"
              autoComplete="current-password"
              required
              withAsterisk={false}
              visibilityToggleButtonProps={{ 'aria-label': t('login.showPassword') }}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Trouble problem={login.error} waitS={waitS} />
            <Button type="submit" data-testid="login-submit" loading={login.isPending} disabled={waitS > 0}>
              {t('login.submit')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Stack>
  );
}

function Trouble({ problem, waitS }: { problem: Problem | null; waitS: number }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  if (!problem) return null;
  const said = say(problem);
  // The lock has ended: the old message would only frighten.
  if (problem.status === 429 && waitS <= 0) return null;
  return (
    <Notice message={said.message} hint={said.hint}>
      {waitS > 0 ? (
        <Text size="sm" mt={4} data-testid="login-wait">
          {t('login.wait', { time: countdown(waitS) })}
        </Text>
      ) : null}
    </Notice>
  );
}
