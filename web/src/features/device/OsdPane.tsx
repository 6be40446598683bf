import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { osdQuery, setOsd } from '../../client/onvif';
import type { Problem } from '../../client/problem';
import type { OsdAsk, OsdText } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import { Asked } from './Asked';
import classes from './DevicePage.module.css';

const CORNERS = ['UpperLeft', 'UpperRight', 'LowerLeft', 'LowerRight'] as const;

/** The texts that the camera writes into its picture. */
export function OsdPane({ code }: { code: string }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const query = useQuery(osdQuery(code));
  const [adding, setAdding] = useState(false);
  const set = useMutation<OsdText[], Problem, OsdAsk>({
    mutationFn: (wanted) => setOsd(code, [wanted]),
    onSuccess: (now) => {
      client.setQueryData(osdQuery(code).queryKey, now);
      setAdding(false);
    },
  });
  return (
    <section data-testid="osd">
      <h3 className={classes.part}>{t('device.osd')}</h3>
      <Asked query={query}>
        {(texts) => (
          <Stack gap="sm">
            {texts.length === 0 ? <Text size="sm">{t('device.noOsd')}</Text> : null}
            {texts.map((osd) =>
              osd.content === 'Plain' ? (
                <Line key={`${osd.token} ${osd.text}`} osd={osd} busy={set.isPending} onSet={set.mutate} />
              ) : (
                <Text key={osd.token} size="sm">
                  {t(`device.osdContent.${osd.content}`)} · {t(`device.corner.${osd.corner}`)}
                </Text>
              ),
            )}
            {adding ? (
              <Line osd={null} busy={set.isPending} onSet={set.mutate} />
            ) : (
              <Group>
                <Button
                  variant="default"
                  size="xs"
                  leftSection={<IconPlus size={14} />}
                  data-testid="add-osd"
                  onClick={() => setAdding(true)}
                >
                  {t('device.addOsd')}
                </Button>
              </Group>
            )}
          </Stack>
        )}
      </Asked>
      {set.error ? <Notice {...say(set.error)} /> : null}
    </section>
  );
}

interface LineProps {
  /** Null: a new one. */
  osd: OsdText | null;
  busy: boolean;
  onSet: (wanted: OsdAsk) => void;
}

/** An emptied text is taken away. */
function Line({ osd, busy, onSet }: LineProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(osd?.text ?? '');
  const [corner, setCorner] = useState<OsdText['corner']>(osd?.corner ?? 'UpperLeft');
  const same = osd !== null && text.trim() === osd.text && corner === osd.corner;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onSet({ ...(osd ? { token: osd.token } : {}), content: 'Plain', text: text.trim(), corner });
  };
  const corners = osd?.corner === 'Custom' ? [...CORNERS, 'Custom' as const] : CORNERS;
  return (
    <form onSubmit={submit}>
      <Group gap="xs" wrap="nowrap" align="end">
        <TextInput
          flex={1}
          size="xs"
          maxLength={120}
          autoFocus={osd === null}
          label={t('device.osdText')}
          data-testid={osd ? `osd-${osd.token}` : 'osd-new'}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Select
          w={120}
          size="xs"
          label={t('device.osdPlace')}
          allowDeselect={false}
          data={corners.map((value) => ({ value, label: t(`device.corner.${value}`) }))}
          value={corner}
          onChange={(value) => setCorner(value ?? corner)}
        />
        <Button type="submit" size="xs" loading={busy} disabled={same || (osd === null && text.trim() === '')}>
          {text.trim() === '' && osd !== null ? t('cameras.remove') : t('cameras.save')}
        </Button>
      </Group>
    </form>
  );
}
