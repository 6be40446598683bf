import { ActionIcon, Button, MultiSelect, Popover, SegmentedControl, Text, Tooltip } from '@mantine/core';
import { IconArrowLeft, IconChevronLeft, IconChevronRight, IconListCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Camera } from '../../client/types';
import { matches } from '../../kit/fold';
import classes from './WallPage.module.css';
import { SIZES, type Size, type WallSearch } from './layout';

interface Props {
  cameras: Camera[];
  shown: Camera[];
  size: Size;
  page: number;
  pages: number;
  focused: Camera | null;
  go: (change: Partial<WallSearch>) => void;
}

/** Counts first, then what changes the wall. */
export function WallBar({ cameras, shown, size, page, pages, focused, go }: Props) {
  const { t } = useTranslation();
  const recording = shown.filter((camera) => camera.state === 'recording').length;
  if (focused) {
    return (
      <div className={classes.bar}>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconArrowLeft size={16} />}
          onClick={() => go({ focus: undefined })}
        >
          {t('wall.back')}
        </Button>
        <Text size="sm" fw={600} truncate>
          {focused.code} · {focused.name}
        </Text>
      </div>
    );
  }
  return (
    <div className={classes.bar}>
      <SegmentedControl
        size="xs"
        aria-label={t('wall.size')}
        value={String(size)}
        data={SIZES.map((value) => ({ value: String(value), label: String(value) }))}
        onChange={(value) => go({ tiles: SIZES.find((s) => String(s) === value), page: undefined })}
      />
      <Text size="sm" c="var(--ink-soft)" className={classes.count}>
        {t('wall.count', { recording, total: shown.length })}
      </Text>
      {pages > 1 ? <Pager {...{ page, pages, go }} /> : null}
      <Chooser {...{ cameras, shown, go }} />
    </div>
  );
}

function Pager({ page, pages, go }: Pick<Props, 'page' | 'pages' | 'go'>) {
  const { t } = useTranslation();
  return (
    <div className={classes.pager}>
      <Tooltip label={t('wall.previousPage')}>
        <ActionIcon
          variant="default"
          aria-label={t('wall.previousPage')}
          disabled={page <= 1}
          onClick={() => go({ page: page - 1 })}
        >
          <IconChevronLeft size={16} />
        </ActionIcon>
      </Tooltip>
      <Text size="sm">{t('wall.page', { page, pages })}</Text>
      <Tooltip label={t('wall.nextPage')}>
        <ActionIcon
          variant="default"
          aria-label={t('wall.nextPage')}
          disabled={page >= pages}
          onClick={() => go({ page: page + 1 })}
        >
          <IconChevronRight size={16} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

function Chooser({ cameras, shown, go }: Pick<Props, 'cameras' | 'shown' | 'go'>) {
  const { t } = useTranslation();
  return (
    <Popover position="bottom-end" width={320} trapFocus>
      <Popover.Target>
        <Button variant="default" size="xs" leftSection={<IconListCheck size={16} />}>
          {t('wall.choose')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <MultiSelect
          label={t('wall.chooseLabel')}
          data={cameras.map((camera) => ({ value: camera.code, label: `${camera.code} · ${camera.name}` }))}
          value={shown.map((camera) => camera.code)}
          searchable
          comboboxProps={{ withinPortal: false }}
          maxDropdownHeight={220}
          filter={({ options, search }) =>
            options.filter((option) => 'label' in option && matches(search, option.label))
          }
          nothingFoundMessage={t('cameras.noMatch')}
          onChange={(codes) => go({ cameras: codes.length === 0 ? undefined : codes.join(','), page: undefined })}
        />
        <Button variant="subtle" size="xs" mt="xs" onClick={() => go({ cameras: undefined, page: undefined })}>
          {t('wall.chooseAll')}
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
