import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { camerasQuery, nodeQuery } from '../../client/queries';
import type { Camera, PlayedName } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { recall, remember } from '../../kit/remembered';
import { useProblemWords } from '../../kit/useProblemWords';
import classes from './PlaybackPage.module.css';
import { Desk } from './Desk';
import { type PlaybackSearch, readPlayback, startOf } from './address';

const LAST_CAMERA = 'playback.camera';

export default function PlaybackPage() {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { data: cameras, error } = useQuery(camerasQuery);
  const { data: node, error: nodeError } = useQuery(nodeQuery);
  const problem = error ?? nodeError;
  if (!cameras || !node) {
    return <div className={classes.page}>{problem ? <Notice {...say(problem)} /> : null}</div>;
  }
  if (cameras.length === 0) {
    return (
      <div className={classes.page}>
        <Text fw={600}>{t('wall.empty')}</Text>
        <Text c="var(--ink-soft)">{t('wall.emptyHint')}</Text>
      </div>
    );
  }
  return <Chosen cameras={cameras} zone={node.zone} skewMs={node.skewMs} />;
}

/** Decides camera, stream and start from the address; a change of camera or stream mounts the desk anew. */
function Chosen({ cameras, zone, skewMs }: { cameras: Camera[]; zone: string; skewMs: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearch({ strict: false, select: (all) => readPlayback(all as Record<string, unknown>) });
  const wanted = search.camera ?? recall(LAST_CAMERA);
  const camera = cameras.find((c) => c.code === wanted) ?? (search.camera === undefined ? cameras[0] : undefined);
  const stream: PlayedName = camera?.streams.some((s) => s.name === search.stream)
    ? (search.stream ?? 'auto')
    : 'auto';
  const [speed, setSpeed] = useState(1);
  // A time in the address that this page did not write itself is a link or the back button.
  const written = useRef<string | undefined>(undefined);
  const [visit, setVisit] = useState({ at: search.at, count: 0 });
  const write = (change: PlaybackSearch, replace: boolean) => {
    written.current = change.at;
    void navigate({ to: '/playback', search: { camera: camera?.code, stream, ...change }, replace });
  };
  useEffect(() => {
    if (camera) remember(LAST_CAMERA, camera.code);
  }, [camera]);
  useEffect(() => {
    if (search.at === written.current || search.at === undefined) return;
    written.current = search.at;
    setVisit((before) => (before.at === search.at ? before : { at: search.at, count: before.count + 1 }));
  }, [search.at]);

  if (!camera) {
    return (
      <div className={classes.page}>
        <Notice
          message={t('playback.noCamera', { code: search.camera })}
          hint={t('playback.noCameraHint')}
          tone="warn"
        />
      </div>
    );
  }
  return (
    <Desk
      key={`${camera.code} ${stream} ${visit.count}`}
      {...{ cameras, camera, stream, zone, skewMs, speed, write }}
      start={() => startOf(search, zone, Date.now() + skewMs)}
      onSpeed={setSpeed}
    />
  );
}
