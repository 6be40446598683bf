import { Button, Tabs } from '@mantine/core';
import { IconArrowLeft, IconHistory } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { camerasQuery, useMay } from '../../client/queries';
import type { Camera } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import { CardTab } from './CardTab';
import { EventsTab } from './EventsTab';
import { FactsTab } from './FactsTab';
import { Head } from './Head';
import { ImagingTab } from './ImagingTab';
import { type Drawing, MaskLayer } from './MaskLayer';
import { MasksTab } from './MasksTab';
import classes from './DevicePage.module.css';
import { type Tab, TABS, readDevice } from './address';

interface Props {
  /** The live picture of a camera, from whoever can play it. */
  picture: (camera: Camera) => React.ReactNode;
}

/** One camera: its live picture, steering, and what can be set in it by ONVIF. */
export function DevicePage({ picture }: Props) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const code = useParams({ strict: false, select: (all) => all.code ?? '' });
  const { data: cameras, error } = useQuery(camerasQuery);
  const camera = cameras?.find((one) => one.code === code);
  if (camera === undefined) {
    return (
      <div className={classes.page}>
        {error ? <Notice {...say(error)} /> : null}
        {cameras ? (
          <Notice tone="info" message={t('playback.noCamera', { code })} hint={t('playback.noCameraHint')}>
            <Button component={Link} to="/cameras" mt="sm" size="xs">
              {t('app.cameras')}
            </Button>
          </Notice>
        ) : null}
      </div>
    );
  }
  return <Known key={camera.code} camera={camera} picture={picture} />;
}

function Known({ camera, picture }: Props & { camera: Camera }) {
  const { t } = useTranslation();
  const may = useMay();
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  const onvif = camera.onvif !== '';
  return (
    <div className={classes.page}>
      <div className={classes.title}>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconArrowLeft size={16} />}
          renderRoot={(props) => <Link to="/cameras" {...props} />}
        >
          {t('device.toList')}
        </Button>
        <h2>
          {camera.code} <span>{camera.name}</span>
        </h2>
        {may('playback') ? (
          <Button
            variant="default"
            size="compact-sm"
            leftSection={<IconHistory size={16} />}
            renderRoot={(props) => <Link to="/playback" search={{ camera: camera.code }} {...props} />}
          >
            {t('wall.toPlayback')}
          </Button>
        ) : null}
      </div>
      <div className={classes.split}>
        <div className={classes.left}>
          <div className={classes.picture} data-testid="device-picture">
            {picture(camera)}
            {drawing ? <MaskLayer drawing={drawing} onChange={setDrawing} /> : null}
          </div>
          {onvif && may('ptz') ? <Head code={camera.code} /> : null}
        </div>
        <Details camera={camera} drawing={drawing} onDrawing={setDrawing} />
      </div>
    </div>
  );
}

interface DetailsProps {
  camera: Camera;
  drawing: Drawing | null;
  onDrawing: (drawing: Drawing | null) => void;
}

/** Only what this camera and this account can have. A tab asks the camera when it is opened, not before. */
function Details({ camera, drawing, onDrawing }: DetailsProps) {
  const { t } = useTranslation();
  const may = useMay();
  const navigate = useNavigate();
  const { tab = 'facts' } = useSearch({ strict: false, select: (all) => readDevice(all as Record<string, unknown>) });
  const onvif = camera.onvif !== '';
  const open: Record<Tab, boolean> = {
    facts: true,
    imaging: onvif && may('configure'),
    masks: onvif && may('configure'),
    events: onvif && may('playback'),
    card: onvif && may('configure'),
  };
  const shown = open[tab] ? tab : 'facts';
  const go = (value: string | null) => {
    onDrawing(null);
    const next = TABS.find((one) => one === value);
    void navigate({ to: '/cameras/$code', params: { code: camera.code }, search: { tab: next }, replace: true });
  };
  return (
    <Tabs value={shown} onChange={go} keepMounted={false} className={classes.details}>
      <Tabs.List>
        {TABS.filter((one) => open[one]).map((one) => (
          <Tabs.Tab key={one} value={one} data-testid={`tab-${one}`} px={8} fz="sm">
            {t(`device.tab.${one}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="facts" pt="sm">
        <FactsTab camera={camera} />
      </Tabs.Panel>
      <Tabs.Panel value="imaging" pt="sm">
        <ImagingTab code={camera.code} />
      </Tabs.Panel>
      <Tabs.Panel value="masks" pt="sm">
        <MasksTab camera={camera} drawing={drawing} onDrawing={onDrawing} />
      </Tabs.Panel>
      <Tabs.Panel value="events" pt="sm">
        <EventsTab camera={camera} />
      </Tabs.Panel>
      <Tabs.Panel value="card" pt="sm">
        <CardTab code={camera.code} />
      </Tabs.Panel>
    </Tabs>
  );
}
