import { ActionIcon, Button, Group, Stack, Text } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { masksQuery, setMasks } from '../../client/onvif';
import type { Problem } from '../../client/problem';
import type { Camera, Mask, MaskAsk } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import { Asked } from './Asked';
import classes from './DevicePage.module.css';
import type { Drawing } from './MaskLayer';
import { OsdPane } from './OsdPane';

interface Props {
  camera: Camera;
  drawing: Drawing | null;
  onDrawing: (drawing: Drawing | null) => void;
}

/** What the camera itself covers and writes into its picture. */
export function MasksTab({ camera, drawing, onDrawing }: Props) {
  const { t } = useTranslation();
  const query = useQuery(masksQuery(camera.code));
  return (
    <Stack gap="lg">
      <section>
        <h3 className={classes.part}>{t('device.masks')}</h3>
        <Text size="sm" c="var(--ink-soft)" mb="xs">
          {t('device.masksHint')}
        </Text>
        <Asked query={query}>{(masks) => <Masks {...{ camera, masks, drawing, onDrawing }} />}</Asked>
      </section>
      <OsdPane code={camera.code} />
    </Stack>
  );
}

function Masks({ camera, masks, drawing, onDrawing }: Props & { masks: Mask[] }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const set = useMutation<Mask[], Problem, MaskAsk[]>({
    mutationFn: (wanted) => setMasks(camera.code, wanted),
    onSuccess: (now) => {
      client.setQueryData(masksQuery(camera.code).queryKey, now);
      onDrawing(null);
    },
  });
  const main = camera.streams.find((stream) => stream.name === 'main');
  const begin = () => {
    const aspect = main?.width && main.height ? main.width / main.height : 16 / 9;
    onDrawing({ aspect, known: masks.map((mask) => mask.polygon), fresh: [] });
  };
  const save = () => set.mutate([...masks, ...(drawing?.fresh ?? []).map((polygon) => ({ polygon, enabled: true }))]);
  const count = drawing?.fresh.length ?? 0;
  return (
    <Stack gap="xs" data-testid="masks">
      {masks.length === 0 ? <Text size="sm">{t('device.noMasks')}</Text> : null}
      <ul className={classes.lines}>
        {masks.map((mask, i) => (
          <li key={mask.token} className={classes.line}>
            <span>{t(mask.enabled ? 'device.maskNo' : 'device.maskOff', { n: i + 1 })}</span>
            <ActionIcon
              ml="auto"
              variant="subtle"
              color="gray"
              aria-label={t('device.removeMask', { n: i + 1 })}
              disabled={set.isPending}
              onClick={() => set.mutate(masks.filter((one) => one.token !== mask.token))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </li>
        ))}
      </ul>
      {drawing ? (
        <>
          <Text size="sm" role="status">
            {count === 0 ? t('device.drawHint') : t('device.drawn', { count })}
          </Text>
          <Group>
            <Button variant="default" size="xs" onClick={() => onDrawing(null)}>
              {t('app.cancel')}
            </Button>
            <Button size="xs" loading={set.isPending} disabled={count === 0} data-testid="save-masks" onClick={save}>
              {t('device.saveMasks')}
            </Button>
          </Group>
        </>
      ) : (
        <Group>
          <Button variant="default" size="xs" data-testid="draw-mask" onClick={begin}>
            {t('device.drawMask')}
          </Button>
        </Group>
      )}
      {set.error ? <Notice {...say(set.error)} /> : null}
    </Stack>
  );
}
