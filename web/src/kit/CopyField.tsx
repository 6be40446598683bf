import { Button, CopyButton, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

interface Props {
  label: string;
  value: string;
  testid?: string;
}

/** Text to take along. Selectable as well: over plain http a browser gives no clipboard to a page. */
export function CopyField({ label, value, testid }: Props) {
  const { t } = useTranslation();
  return (
    <TextInput
      label={label}
      value={value}
      data-testid={testid}
      readOnly
      onFocus={(event) => event.currentTarget.select()}
      rightSectionWidth={86}
      rightSection={
        window.isSecureContext ? (
          <CopyButton value={value}>
            {({ copied, copy }) => (
              <Button size="compact-xs" variant="light" onClick={copy}>
                {copied ? t('playback.copied') : t('playback.copy')}
              </Button>
            )}
          </CopyButton>
        ) : null
      }
    />
  );
}
