import { Group, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { classesQuery, volumesQuery } from '../../client/queries';
import type { RecordingMode } from '../../client/types';
import { asLanguage, dayCount } from '../../kit/words';
import { type CameraForm, isUnheard } from './form';

const MODES: RecordingMode[] = ['continuous', 'motion', 'schedule'];

interface Props {
  form: CameraForm;
  onChange: (change: Partial<CameraForm>) => void;
}

/** Class, mode and disk: chosen from what the node has. */
export function RecordingFields({ form, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const { data: classes = [] } = useQuery(classesQuery);
  const { data: volumes = [] } = useQuery(volumesQuery);
  const classNames = classes.map((one) => ({
    value: one.name,
    label: t('cameras.className', { name: one.name, days: dayCount(one.days, language) }),
  }));
  const paths = volumes.map((one) => ({ value: one.path, label: one.path }));
  return (
    <>
      <Select
        label={t('cameras.field.retention')}
        data-testid="camera-retention"
        allowDeselect={false}
        data={withChosen(classNames, form.retention)}
        value={form.retention}
        onChange={(retention) => onChange({ retention: retention ?? form.retention })}
      />
      <Group grow align="start">
        <Select
          label={t('cameras.field.mode')}
          description={isUnheard(form) ? t('cameras.modeUnheard') : undefined}
          data-testid="camera-mode"
          allowDeselect={false}
          data={MODES.map((mode) => ({ value: mode, label: t(`cameras.mode.${mode}`) }))}
          value={form.mode}
          onChange={(mode) => onChange({ mode: mode ?? form.mode })}
        />
        <Select
          label={t('cameras.field.volume')}
          data-testid="camera-volume"
          allowDeselect={false}
          data={[{ value: '', label: t('cameras.anyVolume') }, ...withChosen(paths, form.volume)]}
          value={form.volume}
          onChange={(volume) => onChange({ volume: volume ?? form.volume })}
        />
      </Group>
    </>
  );
}

/** What is chosen stays to be seen while the list is on its way, and when it has left the settings. */
function withChosen(options: { value: string; label: string }[], chosen: string) {
  const known = chosen === '' || options.some((option) => option.value === chosen);
  return known ? options : [...options, { value: chosen, label: chosen }];
}
