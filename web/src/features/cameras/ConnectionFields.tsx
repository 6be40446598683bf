import { Checkbox, Select, Stack, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Transport } from '../../client/types';
import classes from './CamerasPage.module.css';
import { type CameraForm, isForeign } from './form';

const TRANSPORTS: readonly Transport[] = ['auto', 'tcp', 'udp', 'http'];

interface Props {
  form: CameraForm;
  onChange: (change: Partial<CameraForm>) => void;
}

/** How the camera is reached, folded away: most need nothing of it. */
export function ConnectionFields({ form, onChange }: Props) {
  const { t } = useTranslation();
  const plain = form.transport === 'auto' && form.onvif === '';
  return (
    <details className={classes.more} open={plain ? undefined : true}>
      <summary data-testid="camera-connection">{t('cameras.connection')}</summary>
      <Stack gap="sm" mt="sm">
        {isForeign(form.url) ? null : (
          <Select
            label={t('cameras.field.transport')}
            description={t('cameras.transportHint')}
            data-testid="camera-transport"
            allowDeselect={false}
            data={TRANSPORTS.map((value) => ({ value, label: t(`cameras.transport.${value}`) }))}
            value={form.transport}
            onChange={(transport) => onChange({ transport: transport ?? form.transport })}
          />
        )}
        <TextInput
          label={t('cameras.field.onvif')}
          description={t('cameras.onvifHint')}
          placeholder="10.0.0.5"
          autoComplete="off"
          data-testid="camera-onvif"
          value={form.onvif}
          onChange={(event) => onChange({ onvif: event.currentTarget.value })}
        />
        <Checkbox
          label={t('cameras.field.onvifEvents')}
          description={t('cameras.onvifEventsHint')}
          data-testid="camera-onvif-events"
          disabled={form.onvif.trim() === ''}
          checked={form.onvifEvents}
          onChange={(event) => onChange({ onvifEvents: event.currentTarget.checked })}
        />
      </Stack>
    </details>
  );
}
