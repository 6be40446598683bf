import { Drawer, SegmentedControl, Stack } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Login } from '../../../client/onvif';
import { CameraForm } from '../CameraForm';
import { AddressEntry } from './AddressEntry';
import { DeviceStep } from './DeviceStep';
import { NetworkSearch, useNetworkSearch } from './NetworkSearch';

type Way = 'network' | 'stream' | 'onvif';
const WAYS: readonly Way[] = ['network', 'stream', 'onvif'];

/** Adds cameras: found in the network, by the address of a stream, or by that of an ONVIF device. */
export default function AddDrawer({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      title={t('cameras.addTitle')}
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <Ways onClose={onClose} />
    </Drawer>
  );
}

function Ways({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<Way>('network');
  const [device, setDevice] = useState<string | null>(null);
  // The last pair that opened a camera, for the next one; it lives no longer than this drawer.
  const [login, setLogin] = useState<Login>({ user: '', password: '' });
  const narrow = useMediaQuery('(max-width: 600px)');
  const search = useNetworkSearch();
  if (device !== null) {
    return (
      <DeviceStep
        key={device}
        address={device}
        login={login}
        onLogin={setLogin}
        onBack={() => setDevice(null)}
        onClose={onClose}
      />
    );
  }
  return (
    <Stack gap="md">
      <SegmentedControl
        fullWidth
        orientation={narrow ? 'vertical' : 'horizontal'}
        aria-label={t('adding.way')}
        data-testid="add-way"
        value={way}
        data={WAYS.map((value) => ({ value, label: t(`adding.ways.${value}`) }))}
        onChange={(value) => setWay(WAYS.find((known) => known === value) ?? 'network')}
      />
      {way === 'network' ? <NetworkSearch search={search} onPick={setDevice} onOther={setWay} /> : null}
      {way === 'onvif' ? <AddressEntry onPick={setDevice} /> : null}
      {way === 'stream' ? <CameraForm camera={null} onClose={onClose} /> : null}
    </Stack>
  );
}
