import { Button, Group, Text } from '@mantine/core';
import { IconClockCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { clockQuery, setClock } from '../../client/onvif';
import type { DeviceClock } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { StateMark } from '../../kit/StateMark';
import { useProblemWords } from '../../kit/useProblemWords';
import { asLanguage, clockOffset } from '../../kit/words';
import { Asked } from './Asked';
import classes from './DevicePage.module.css';

/** The camera tells whole seconds. */
const WRONG_S = 2;

/** The camera's own clock: its stamp in the picture and its card go by it, the node's recordings do not. */
export function ClockPane({ code }: { code: string }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const say = useProblemWords();
  const client = useQueryClient();
  const query = useQuery(clockQuery(code));
  const set = useMutation<DeviceClock>({
    mutationFn: () => setClock(code),
    onSuccess: (clock) => client.setQueryData(clockQuery(code).queryKey, clock),
  });
  return (
    <section data-testid="device-clock">
      <h3 className={classes.part}>{t('device.clock')}</h3>
      <Asked query={query}>
        {({ offset_s: offset }) => (
          <Group justify="space-between">
            {offset === null ? (
              <Text size="sm">{t('adding.clockUnknown')}</Text>
            ) : (
              <StateMark
                mark={Math.abs(offset) > WRONG_S ? 'warn' : 'good'}
                word={t(Math.abs(offset) > WRONG_S ? 'device.clockWrong' : 'device.clockRight', {
                  offset: clockOffset(offset * 1000, language),
                })}
              />
            )}
            <Button
              size="xs"
              variant="default"
              leftSection={<IconClockCheck size={16} />}
              loading={set.isPending}
              data-testid="set-clock"
              onClick={() => set.mutate()}
            >
              {t('device.setClock')}
            </Button>
          </Group>
        )}
      </Asked>
      <Text size="sm" c="var(--ink-soft)" mt={4}>
        {t('device.clockHint')}
      </Text>
      {set.error ? <Notice {...say(set.error)} /> : null}
    </section>
  );
}
