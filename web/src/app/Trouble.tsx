import { Button, Stack } from '@mantine/core';
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Problem } from '../client/problem';
import { useMay } from '../client/queries';
import { Notice } from '../kit/Notice';
import { useProblemWords } from '../kit/useProblemWords';

/** A page that could not begin: the node is away, or the page itself broke. */
export function Trouble({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const router = useRouter();
  const said =
    error instanceof Problem ? say(error) : { message: t('app.broken'), hint: t('app.brokenHint') };
  const again = () => {
    reset();
    void router.invalidate();
  };
  return (
    <Stack p="md" maw={520} mx="auto">
      <Notice {...said}>
        <Button mt="sm" size="xs" onClick={again}>
          {t('app.retry')}
        </Button>
      </Notice>
    </Stack>
  );
}

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Stack p="md" maw={520} mx="auto">
      <Notice tone="info" message={t('app.notFound')} hint={t('app.notFoundHint')}>
        <Button component={Link} to="/" mt="sm" size="xs">
          {t('app.wall')}
        </Button>
      </Notice>
    </Stack>
  );
}

/** Says which right is missing and who can give it. */
export function Needs({ right, children }: { right: 'playback' | 'configure'; children: React.ReactNode }) {
  const { t } = useTranslation();
  const may = useMay();
  if (may(right)) return children;
  return (
    <Stack p="md" maw={520} mx="auto">
      <Notice tone="warn" message={t('app.noRight', { right: t(`app.right.${right}`) })} hint={t('app.noRightHint')} />
    </Stack>
  );
}
