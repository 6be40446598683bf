import { Button, Group, Stack, TextInput } from '@mantine/core';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** The address of a device that a search cannot find: behind a router, or in another network. */
export function AddressEntry({ onPick }: { onPick: (address: string) => void }) {
  const { t } = useTranslation();
  const [address, setAddress] = useState('');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (address.trim() !== '') onPick(address.trim());
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          autoFocus
          label={t('adding.address')}
          description={t('adding.addressHint')}
          placeholder="10.0.0.5"
          autoComplete="off"
          data-testid="onvif-address"
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button type="submit" data-testid="onvif-next" disabled={address.trim() === ''}>
            {t('adding.next')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
