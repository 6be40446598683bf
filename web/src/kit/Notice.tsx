/** What happened, and what to do next. */
import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';

interface Props {
  message: string;
  hint?: string | null;
  tone?: 'bad' | 'warn' | 'info';
  children?: React.ReactNode;
}

const COLOURS = { bad: 'red', warn: 'yellow', info: 'blue' };

export function Notice({ message, hint, tone = 'bad', children }: Props) {
  return (
    <Alert
      role="alert"
      color={COLOURS[tone]}
      variant="light"
      p="sm"
      icon={tone === 'info' ? <IconInfoCircle size={18} /> : <IconAlertTriangle size={18} />}
    >
      <Text size="sm" fw={600} c="var(--mantine-color-text)">
        {message}
      </Text>
      {hint ? (
        <Text size="sm" c="var(--mantine-color-text)" mt={2}>
          {hint}
        </Text>
      ) : null}
      {children}
    </Alert>
  );
}
