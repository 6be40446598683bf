import { ActionIcon, Button, Indicator, Popover, SegmentedControl, Select, TextInput, Tooltip } from '@mantine/core';
import { DatePicker } from '@mantine/dates';
import '@mantine/dates/styles.css';
import { IconCalendar, IconChevronLeft, IconChevronRight, IconClock } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import dayjs from 'dayjs';
import 'dayjs/locale/vi';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { daysQuery } from '../../client/queries';
import type { Camera, PlayedName } from '../../client/types';
import { matches } from '../../kit/fold';
import { asLanguage } from '../../kit/words';
import { localDate, localTime, two } from '../../kit/zone';
import classes from './PlaybackPage.module.css';
import { onDate } from './address';
import { parseEntry } from './timeEntry';

interface Props {
  cameras: Camera[];
  camera: Camera;
  stream: PlayedName;
  zone: string;
  nowMs: number;
  wallMs: number;
  onCamera: (code: string) => void;
  onStream: (stream: PlayedName) => void;
  onWant: (ms: number, guess: boolean) => void;
}

/** Which camera, which day, which time. */
export function PickBar(props: Props) {
  const { cameras, camera, stream } = props;
  const { t } = useTranslation();
  return (
    <div className={classes.bar}>
      <Select
        className={classes.camera}
        size="sm"
        aria-label={t('playback.camera')}
        data-testid="playback-camera"
        data={cameras.map((c) => ({ value: c.code, label: `${c.code} · ${c.name}` }))}
        value={camera.code}
        allowDeselect={false}
        searchable
        filter={({ options, search }) =>
          options.filter((option) => 'label' in option && matches(search, option.label))
        }
        nothingFoundMessage={t('cameras.noMatch')}
        onChange={(code) => {
          if (code !== null && code !== camera.code) props.onCamera(code);
        }}
      />
      {camera.streams.length > 1 ? (
        <SegmentedControl
          size="xs"
          aria-label={t('playback.stream')}
          value={stream}
          data={[
            { value: 'auto', label: t('stream.auto') },
            { value: 'main', label: t('stream.main') },
            { value: 'sub', label: t('stream.sub') },
          ]}
          onChange={(value) => props.onStream(value)}
        />
      ) : null}
      <DayPick {...props} />
      <TimeEntry {...props} />
    </div>
  );
}

function DayPick({ camera, stream, zone, nowMs, wallMs, onWant }: Props) {
  const { t, i18n } = useTranslation();
  const [open, setOpen] = useState(false);
  const { data: days = [] } = useQuery(daysQuery(camera.code, stream));
  const date = localDate(zone, wallMs);
  const today = localDate(zone, nowMs);
  const recorded = new Set(days);
  const go = (wanted: string) => onWant(onDate(zone, wallMs, wanted), true);
  const neighbour = (by: 1 | -1) => dayjs(date).add(by, 'day').format('YYYY-MM-DD');
  const { day, month, year } = localTime(zone, wallMs);
  return (
    <div className={classes.day}>
      <Tooltip label={t('playback.previousDay')}>
        <ActionIcon
          variant="default"
          size={36}
          aria-label={t('playback.previousDay')}
          onClick={() => go(neighbour(-1))}
        >
          <IconChevronLeft size={18} />
        </ActionIcon>
      </Tooltip>
      <Popover opened={open} onChange={setOpen} trapFocus>
        <Popover.Target>
          <Button
            variant="default"
            leftSection={<IconCalendar size={16} />}
            aria-label={`${t('playback.pickDay')}: ${two(day)}/${two(month)}/${year}`}
            onClick={() => setOpen(!open)}
          >
            {two(day)}/{two(month)}/{year}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <DatePicker
            locale={asLanguage(i18n.language)}
            firstDayOfWeek={1}
            weekendDays={[]}
            value={date}
            defaultDate={date}
            maxDate={today}
            renderDay={(text) => (
              <Indicator size={6} offset={-3} position="bottom-center" disabled={!recorded.has(text)}>
                <div title={recorded.has(text) ? t('playback.dayRecorded') : undefined}>{Number(text.slice(8))}</div>
              </Indicator>
            )}
            onChange={(picked) => {
              setOpen(false);
              if (picked !== null) go(picked);
            }}
          />
          <p className={classes.legend}>{t('playback.dayLegend')}</p>
        </Popover.Dropdown>
      </Popover>
      <Tooltip label={t('playback.nextDay')}>
        <ActionIcon
          variant="default"
          size={36}
          aria-label={t('playback.nextDay')}
          disabled={date >= today}
          onClick={() => go(neighbour(1))}
        >
          <IconChevronRight size={18} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

function TimeEntry({ zone, nowMs, wallMs, onWant }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  return (
    <form
      className={classes.entry}
      onSubmit={(event) => {
        event.preventDefault();
        const ms = parseEntry(text, zone, wallMs, nowMs);
        setWrong(ms === null);
        if (ms === null) return;
        setText('');
        onWant(ms, false);
      }}
    >
      <TextInput
        size="sm"
        aria-label={t('playback.goTo')}
        placeholder={t('playback.goToExample')}
        data-testid="go-to-time"
        leftSection={<IconClock size={16} />}
        value={text}
        error={wrong ? t('playback.badTime') : undefined}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setWrong(false);
        }}
      />
    </form>
  );
}
