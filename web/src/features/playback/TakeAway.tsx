import { Button, Menu, Popover, Stack, Text, Tooltip } from '@mantine/core';
import { IconDownload, IconLink } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { makeTickets } from '../../client/actions';
import { downloadPath, whole } from '../../client/addresses';
import { decodes } from '../../client/codecs';
import type { Problem } from '../../client/problem';
import { useMay } from '../../client/queries';
import { checkReachable } from '../../client/request';
import type { Camera, PlayedName, Tickets } from '../../client/types';
import { CopyField } from '../../kit/CopyField';
import { Notice } from '../../kit/Notice';
import { startDownload } from '../../kit/saveFrame';
import { useProblemWords } from '../../kit/useProblemWords';
import { codecName } from '../../kit/words';
import type { Window } from './view';

interface Props {
  camera: Camera;
  stream: PlayedName;
  span: Window | null;
  wallMs: number;
}

const LINK_MS = 30 * 60_000;

/** The marked span as a file, or as addresses for another player. */
export function TakeAway({ camera, stream, span, wallMs }: Props) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const may = useMay();
  const download = useMutation<undefined, Problem, Window & { converted: boolean }>({
    mutationFn: async ({ startMs, endMs, converted }) => {
      const path = downloadPath(camera.code, stream, startMs, endMs, converted);
      await checkReachable(path);
      startDownload(whole(path));
    },
  });
  const start = (converted: boolean) => {
    if (span) download.mutate({ ...span, converted });
  };
  // What is recorded now is most likely what the span holds; the node passes on what needs no conversion.
  const codec = camera.streams.find((s) => s.name === (stream === 'auto' ? 'main' : stream))?.codec ?? 'h264';
  const foreign = !decodes(codec);
  const button = (
    <Button
      data-testid="download"
      leftSection={<IconDownload size={16} />}
      // Not `disabled`: a disabled button could not say what to do first.
      data-disabled={span === null || undefined}
      aria-disabled={span === null}
      loading={download.isPending}
      onClick={foreign ? undefined : () => start(false)}
    >
      {t('playback.download')}
    </Button>
  );
  return (
    <>
      {may('export') ? (
        <Popover opened={download.isError} onChange={() => download.reset()} width={320} position="top-end">
          <Popover.Target>
            <div>
              {foreign && span ? (
                <Ways codec={codec} onWay={start}>
                  {button}
                </Ways>
              ) : (
                <Tooltip label={span ? t('playback.downloadHint') : t('playback.markFirst')} multiline maw={280}>
                  {button}
                </Tooltip>
              )}
            </div>
          </Popover.Target>
          <Popover.Dropdown p={0}>{download.error ? <Notice {...say(download.error)} /> : null}</Popover.Dropdown>
        </Popover>
      ) : null}
      <Link {...{ camera, stream }} span={span ?? { startMs: wallMs, endMs: wallMs + LINK_MS }} />
    </>
  );
}

interface WaysProps {
  codec: string;
  onWay: (converted: boolean) => void;
  children: ReactElement;
}

/** Of a codec that this browser does not play: the original for evidence, or a copy for looking. */
function Ways({ codec, onWay, children }: WaysProps) {
  const { t } = useTranslation();
  const names = { codec: codecName(codec) };
  return (
    <Menu position="top-end" width={340}>
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Item data-testid="download-original" onClick={() => onWay(false)}>
          {t('playback.downloadOriginal', names)}
        </Menu.Item>
        <Menu.Item data-testid="download-converted" onClick={() => onWay(true)}>
          {t('playback.downloadConverted')}
          <Text size="xs" c="var(--ink-soft)">
            {t('playback.downloadConvertedHint', names)}
          </Text>
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Link({ camera, stream, span }: { camera: Camera; stream: PlayedName; span: Window }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const tickets = useMutation<Tickets, Problem, Window>({
    mutationFn: ({ startMs, endMs }) => makeTickets(camera.code, stream, startMs, endMs),
  });
  return (
    <Popover width={360} position="top-end" trapFocus onOpen={() => tickets.mutate(span)}>
      <Popover.Target>
        <Button variant="default" leftSection={<IconLink size={16} />} data-testid="vlc-link">
          {t('playback.link')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        {tickets.error ? <Notice {...say(tickets.error)} /> : null}
        {tickets.data ? (
          <Stack gap="xs">
            <CopyField label={t('playback.linkStream')} value={here(tickets.data.m3u8)} />
            <CopyField label={t('playback.linkFile')} value={here(tickets.data.mp4)} />
            <Text size="xs" c="var(--ink-soft)">
              {t('playback.linkHint')}
            </Text>
          </Stack>
        ) : null}
      </Popover.Dropdown>
    </Popover>
  );
}

/** With this node's name, as another program needs it. */
function here(address: string): string {
  return new URL(address, window.location.href).href;
}
