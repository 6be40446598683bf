import { Button, Group, Stack, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../../client/problem';
import type { Camera } from '../../../client/types';
import { Notice } from '../../../kit/Notice';
import { useProblemWords } from '../../../kit/useProblemWords';
import classes from './adding.module.css';

export interface Saved {
  camera: Camera;
  /** Why its clock could not be set; null when it was, or did not have to be. */
  clock: Problem | null;
}

interface Props {
  saved: Saved;
  onNext: () => void;
  onClose: () => void;
}

export function Done({ saved, onNext, onClose }: Props) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { code, name } = saved.camera;
  return (
    <Stack gap="md" data-testid="device-done">
      <Text className={classes.done} role="status">
        <IconCircleCheck size={20} aria-hidden /> {t('adding.done', { code, name })}
      </Text>
      {saved.clock ? (
        <div>
          <Text size="sm">{t('adding.clockFailed')}</Text>
          <Notice tone="warn" {...say(saved.clock)} />
        </div>
      ) : null}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('app.close')}
        </Button>
        <Button autoFocus data-testid="device-next" onClick={onNext}>
          {t('adding.addNext')}
        </Button>
      </Group>
    </Stack>
  );
}
