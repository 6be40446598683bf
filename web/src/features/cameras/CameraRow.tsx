import { ActionIcon, Menu, Text } from '@mantine/core';
import { IconDots, IconHistory, IconPencil, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { changeCamera } from '../../client/actions';
import type { Problem } from '../../client/problem';
import { keys, useMay } from '../../client/queries';
import type { Camera, Stream } from '../../client/types';
import { StateMark } from '../../kit/StateMark';
import { useProblemWords } from '../../kit/useProblemWords';
import { asLanguage, bitRate, clockOffset, codecName, number } from '../../kit/words';
import { fullTime, shortTime } from '../../kit/zone';
import classes from './CamerasPage.module.css';
import { TrustAnew } from './TrustDialog';
import { convertedWord, fingerprint, markOf, transportWord, wordOf } from './look';

interface Props {
  camera: Camera;
  zone: string;
  nowMs: number;
  mayConfigure: boolean;
  onEdit: (camera: Camera) => void;
  onRemove: (camera: Camera) => void;
}

/** A camera's clock further off than this makes its own stamp in the picture misleading. */
const CLOCK_WARN_MS = 5_000;

export function CameraRow({ camera, zone, nowMs, mayConfigure, onEdit, onRemove }: Props) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const main = camera.streams.find((s) => s.name === 'main') ?? camera.streams[0];
  const offset = main?.clock_offset_ms ?? null;
  return (
    <tr data-testid={`camera-row-${camera.code}`} data-state={camera.state}>
      <td>
        <Link to="/cameras/$code" params={{ code: camera.code }} className={classes.open}>
          <strong>{camera.code}</strong> <span className={classes.name}>{camera.name}</span>
        </Link>
        {camera.weak_password ? (
          <div className={classes.weak} title={camera.password_hint ?? undefined}>
            <StateMark mark="warn" word={t('cameras.weak')} />
          </div>
        ) : null}
      </td>
      <td>
        <State {...{ camera, main, zone, nowMs, mayConfigure }} />
      </td>
      <td className={classes.fact}>
        {main ? <div>{pictureOf(main, language, t)}</div> : null}
        {main ? <div className={classes.path}>{pathOf(main, language, t)}</div> : null}
      </td>
      <td className={classes.fact} data-label={t('cameras.bitRate')}>{main?.bitrate_bps ? bitRate(main.bitrate_bps, language) : null}</td>
      <td className={classes.fact} data-label={t('cameras.clock')}>
        {offset === null ? null : Math.abs(offset) >= CLOCK_WARN_MS ? (
          <StateMark mark="warn" word={clockOffset(offset, language)} />
        ) : (
          clockOffset(offset, language)
        )}
      </td>
      <td className={classes.menu}>
        <Actions {...{ camera, mayConfigure, onEdit, onRemove }} />
      </td>
    </tr>
  );
}

function pictureOf(stream: Stream, language: 'vi' | 'en', t: TFunction): string {
  const facts = [
    stream.codec ? codecName(stream.codec) : null,
    stream.width && stream.height ? `${stream.width} × ${stream.height}` : null,
    stream.fps ? t('cameras.fps', { fps: number(stream.fps, language, Number.isInteger(stream.fps) ? 0 : 1) }) : null,
  ];
  return facts.filter((fact) => fact !== null).join(' · ');
}

/** How it comes: transport, sound, what the converter does; the certificate on hover. */
function pathOf(stream: Stream, language: 'vi' | 'en', t: TFunction): React.ReactNode {
  const facts = [
    stream.transport ? transportWord(stream.transport, t) : null,
    stream.audio && stream.audio_codec ? t('cameras.sound', { codec: codecName(stream.audio_codec) }) : null,
    stream.converted ? convertedWord(stream.converted, language, t) : null,
  ].filter((fact) => fact !== null);
  if (facts.length === 0) return null;
  const title = stream.certificate ? t('cameras.certificate', { print: fingerprint(stream.certificate) }) : undefined;
  return <span title={title}>{facts.join(' · ')}</span>;
}

interface StateProps {
  camera: Camera;
  main: Stream | undefined;
  zone: string;
  nowMs: number;
  mayConfigure: boolean;
}

/** The state; why, and what to do; and a sub stream that is in trouble alone. */
function State({ camera, main, zone, nowMs, mayConfigure }: StateProps) {
  const { t } = useTranslation();
  const sinceMs = camera.since === null ? null : Date.parse(camera.since);
  const since = sinceMs === null ? '' : shortTime(zone, sinceMs, nowMs);
  const sub = camera.streams.find((s) => s.name === 'sub');
  const subAlone = sub?.state === 'retrying' && camera.state === 'recording' ? sub : null;
  const reason = camera.reason ?? main?.reason ?? null;
  return (
    <div>
      <span title={sinceMs === null ? undefined : fullTime(zone, sinceMs)}>
        <StateMark mark={markOf(camera.state)} word={wordOf(camera.state, since, t)} />
      </span>
      {reason === null || camera.state === 'disabled' ? null : (
        <Text size="sm" className={classes.why}>
          {reason}
        </Text>
      )}
      {main?.hint && camera.state !== 'disabled' ? (
        <Text size="sm" c="var(--ink-soft)" className={classes.why}>
          {main.hint}
        </Text>
      ) : null}
      {mayConfigure && camera.streams.some((s) => s.cause === 'certificate_changed') ? (
        <div className={classes.why}>
          <TrustAnew camera={camera} />
        </div>
      ) : null}
      {subAlone ? (
        <Text size="sm" className={classes.why}>
          {t('cameras.subTrouble', { reason: subAlone.reason ?? '' })}
        </Text>
      ) : null}
    </div>
  );
}

function Actions({ camera, mayConfigure, onEdit, onRemove }: Pick<Props, 'camera' | 'mayConfigure' | 'onEdit' | 'onRemove'>) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const may = useMay();
  const client = useQueryClient();
  const enable = useMutation<Camera, Problem, boolean>({
    mutationFn: (enabled) => changeCamera(camera.code, { enabled }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.cameras }),
  });
  if (!mayConfigure && !may('playback')) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            className={classes.dots}
            loading={enable.isPending}
            aria-label={`${t('cameras.actions')}: ${camera.code} ${camera.name}`}
            data-testid={`camera-menu-${camera.code}`}
          >
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {may('playback') ? (
            <Menu.Item
              renderRoot={(props) => <Link to="/playback" search={{ camera: camera.code }} {...props} />}
              leftSection={<IconHistory size={16} />}
            >
              {t('wall.toPlayback')}
            </Menu.Item>
          ) : null}
          {mayConfigure ? (
            <>
              <Menu.Item
                leftSection={<IconPencil size={16} />}
                data-testid={`camera-edit-${camera.code}`}
                onClick={() => onEdit(camera)}
              >
                {t('cameras.edit')}
              </Menu.Item>
              <Menu.Item
                leftSection={camera.enabled ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
                data-testid={`camera-enable-${camera.code}`}
                onClick={() => enable.mutate(!camera.enabled)}
              >
                {camera.enabled ? t('cameras.disable') : t('cameras.enable')}
              </Menu.Item>
              <Menu.Item
                color="red"
                leftSection={<IconTrash size={16} />}
                data-testid={`camera-remove-${camera.code}`}
                onClick={() => onRemove(camera)}
              >
                {t('cameras.remove')}
              </Menu.Item>
            </>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      {enable.error ? (
        <Text size="xs" c="var(--state-bad)" role="alert">
          {say(enable.error).message} {say(enable.error).hint}
        </Text>
      ) : null}
    </>
  );
}
