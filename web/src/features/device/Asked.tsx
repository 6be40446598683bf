import { Button, Group, Loader } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => React.ReactNode;
}

/** What a camera answers, which may take seconds; what it does not have is no failure. */
export function Asked<T>({ query, children }: Props<T>) {
  const { t } = useTranslation();
  const say = useProblemWords();
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error?.cause_ === 'not_supported') {
    return <Notice tone="info" message={t('device.notSupported')} hint={t('device.notSupportedHint')} />;
  }
  if (query.error) {
    return (
      <Notice {...say(query.error)}>
        <Button size="xs" mt="xs" variant="default" loading={query.isFetching} onClick={() => void query.refetch()}>
          {t('app.retry')}
        </Button>
      </Notice>
    );
  }
  return (
    <Group gap="xs" role="status">
      <Loader size="xs" /> {t('device.asking')}
    </Group>
  );
}
