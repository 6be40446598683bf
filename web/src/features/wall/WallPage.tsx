import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { camerasQuery, useMay } from '../../client/queries';
import type { Camera } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { remember } from '../../kit/remembered';
import { useKeys } from '../../kit/useKeys';
import { useProblemWords } from '../../kit/useProblemWords';
import { Tile } from './Tile';
import tileClasses from './Tile.module.css';
import classes from './WallPage.module.css';
import { WallBar } from './WallBar';
import { WALL_KEY, type WallSearch, onWall, pageOf, readWall, sizeFor } from './layout';

export default function WallPage() {
  const { t } = useTranslation();
  const say = useProblemWords();
  const search = useSearch({ strict: false, select: (all) => readWall(all as Record<string, unknown>) });
  const navigate = useNavigate();
  const { data: cameras, error } = useQuery(camerasQuery);
  

  useEffect(() => {
    const { tiles, cameras: chosen, page } = search;
    remember(WALL_KEY, JSON.stringify({ tiles, cameras: chosen, page }));
  }, [search]);

  if (!cameras) {
    const said = error ? say(error) : null;
    return <div className={classes.page}>{said ? <Notice {...said} /> : null}</div>;
  }
  const shown = onWall(cameras, search.cameras);
  const size = search.tiles ?? sizeFor(shown.length);
  // The size stands in every address written here, so that "all cameras" is not mistaken for "the last wall".
  const go = (change: Partial<WallSearch>) => {
    void navigate({ to: '/', search: { ...search, tiles: size, ...change } });
  };
  const { page, pages, places } = pageOf(shown, size, search.page ?? 1);
  const focused = shown.find((camera) => camera.code === search.focus) ?? null;
  return (
    <div className={classes.page}>
      {error ? <Notice {...say(error)} /> : null}
      <WallBar {...{ cameras, shown, size, page, pages, focused, go }} />
      {cameras.length === 0 ? (
        <div className={classes.nothing}>
          <Text fw={600}>{t('wall.empty')}</Text>
          <Text c="var(--ink-soft)">{t('wall.emptyHint')}</Text>
        </div>
      ) : (
        <Grid {...{ places, size, focused, go }} />
      )}
    </div>
  );
}

interface GridProps {
  places: (Camera | null)[];
  size: number;
  focused: Camera | null;
  go: (change: Partial<WallSearch>) => void;
}

function Grid({ places, size, focused, go }: GridProps) {
  const { t } = useTranslation();
  const may = useMay();
  const grid = useRef<HTMLDivElement>(null);
  const enlarge = (camera: Camera | null | undefined) => {
    if (camera) go({ focus: camera.code });
  };
  useKeys({
    Escape: () => go({ focus: undefined }),
    f: () => {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void grid.current?.requestFullscreen().catch(() => undefined);
    },
    ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [String(i + 1), () => enlarge(places[i])])),
  });
  const mayPlayBack = may('playback');
  if (focused) {
    return (
      <div ref={grid} className={classes.grid} data-size={1}>
        <Tile
          key={`${focused.code}-large`}
          camera={focused}
          wanted="main"
          large
          mayPlayBack={mayPlayBack}
          onLarge={() => go({ focus: undefined })}
        />
      </div>
    );
  }
  return (
    <div ref={grid} className={classes.grid} data-size={size}>
      {places.map((camera, i) =>
        camera ? (
          <Tile
            key={camera.code}
            camera={camera}
            wanted={camera.streams.some((s) => s.name === 'sub') ? 'sub' : 'main'}
            large={false}
            mayPlayBack={mayPlayBack}
            onLarge={() => enlarge(camera)}
          />
        ) : (
          <div key={`empty-${i}`} className={tileClasses.empty} data-free>
            {t('wall.freeTile')}
          </div>
        ),
      )}
    </div>
  );
}
