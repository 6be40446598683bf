import { ActionIcon, Button, NativeSelect, Text, Tooltip } from '@mantine/core';
import {
  IconBookmark,
  IconCamera,
  IconMaximize,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerSkipBack,
  IconPlayerSkipForward,
  IconRewindBackward5,
  IconRewindForward5,
  IconVolume,
  IconVolumeOff,
  IconX,
} from '@tabler/icons-react';
import type { Dispatch } from 'react';
import { useTranslation } from 'react-i18next';
import type { Camera, PlayedName } from '../../client/types';
import { asLanguage, duration, number } from '../../kit/words';
import { clockSeconds } from '../../kit/zone';
import classes from './PlaybackPage.module.css';
import { TakeAway } from './TakeAway';
import { type PlaybackAction, type PlaybackState, SPEEDS, spanOf } from './state';
import type { DeskActions } from './useDeskKeys';

interface Props {
  actions: DeskActions;
  state: PlaybackState;
  speed: number;
  zone: string;
  camera: Camera;
  stream: PlayedName;
  dispatch: Dispatch<PlaybackAction>;
  onSpeed: (speed: number) => void;
  heard: boolean;
  onHeard: (heard: boolean) => void;
}

export function Controls({ actions, state, speed, zone, camera, stream, dispatch, onSpeed, heard, onHeard }: Props) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const play = state.playing ? t('playback.pause') : t('playback.play');
  return (
    <div className={classes.controls}>
      <div className={classes.group}>
        <Do label={t('playback.back5')} keys="←" run={() => actions.skip(-5)} icon={<IconRewindBackward5 size={20} />} />
        <Do label={t('playback.stepBack')} keys="," run={() => actions.step(-1)} icon={<IconPlayerSkipBack size={20} />} />
        <Tooltip label={`${play} (${t('playback.spaceKey')})`}>
          <ActionIcon size={44} radius="xl" aria-label={play} data-testid="play" onClick={actions.toggle}>
            {state.playing ? <IconPlayerPause size={22} /> : <IconPlayerPlay size={22} />}
          </ActionIcon>
        </Tooltip>
        <Do label={t('playback.stepOn')} keys="." run={() => actions.step(1)} icon={<IconPlayerSkipForward size={20} />} />
        <Do label={t('playback.on5')} keys="→" run={() => actions.skip(5)} icon={<IconRewindForward5 size={20} />} />
        <NativeSelect
          aria-label={t('playback.speed')}
          data-testid="speed"
          className={classes.speed}
          value={String(speed)}
          data={SPEEDS.map((s) => ({ value: String(s), label: `${number(s, language, s < 1 ? (s === 0.25 ? 2 : 1) : 0)}×` }))}
          onChange={(event) => onSpeed(Number(event.currentTarget.value))}
        />
        <Do label={t('wall.snapshot')} keys="S" run={actions.snapshot} icon={<IconCamera size={20} />} />
        {camera.streams.some((s) => s.audio) ? (
          <Do
            label={heard ? t('wall.soundOff') : t('wall.soundOn')}
            run={() => onHeard(!heard)}
            icon={heard ? <IconVolume size={20} /> : <IconVolumeOff size={20} />}
          />
        ) : null}
        <Do label={t('playback.fullScreen')} keys="F" run={actions.fullScreen} icon={<IconMaximize size={20} />} />
      </div>
      <div className={classes.group}>
        <MarkFacts {...{ state, zone, dispatch }} />
        <Tooltip label={`${t('playback.markHint')} (M)`} multiline maw={280}>
          <Button
            variant="default"
            leftSection={<IconBookmark size={16} />}
            data-testid="mark"
            onClick={actions.mark}
          >
            {state.mark?.endMs === null ? t('playback.markEnd') : t('playback.markStart')}
          </Button>
        </Tooltip>
        <TakeAway camera={camera} stream={stream} span={spanOf(state.mark)} wallMs={state.wallMs} />
      </div>
    </div>
  );
}

function Do({ label, keys, run, icon }: { label: string; keys?: string; run: () => void; icon: React.ReactNode }) {
  return (
    <Tooltip label={keys === undefined ? label : `${label} (${keys})`}>
      <ActionIcon variant="subtle" color="gray" size={40} className={classes.do} aria-label={label} onClick={run}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

/** What is marked, and how to let go of it. */
function MarkFacts({ state, zone, dispatch }: Pick<Props, 'state' | 'zone' | 'dispatch'>) {
  const { t, i18n } = useTranslation();
  const { mark } = state;
  if (!mark) return null;
  const from = clockSeconds(zone, mark.startMs);
  const text =
    mark.endMs === null
      ? t('playback.markedFrom', { from })
      : t('playback.marked', {
          from,
          to: clockSeconds(zone, mark.endMs),
          length: duration((mark.endMs - mark.startMs) / 1000, asLanguage(i18n.language)),
        });
  return (
    <div className={classes.marked}>
      <Text size="sm" data-testid="mark-text">
        {text}
      </Text>
      <Tooltip label={t('playback.unmark')}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('playback.unmark')}
          onClick={() => dispatch({ type: 'mark', mark: null })}
        >
          <IconX size={16} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
