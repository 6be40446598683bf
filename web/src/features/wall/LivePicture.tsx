import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Camera } from '../../client/types';
import classes from './Tile.module.css';
import { useLive } from './useLive';
import { sayFailure } from './words';

/** A camera's live picture alone, for other pages to put things on. Give it the camera's code as its key. */
export default function LivePicture({ camera }: { camera: Camera }) {
  const { t } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const { report } = useLive(video, camera, 'main');
  const said = report.state === 'failed' ? sayFailure(report, camera, t) : null;
  return (
    <>
      <video
        ref={video}
        className={classes.video}
        data-testid={`live-${camera.code}`}
        data-state={report.state}
        muted
        playsInline
        autoPlay
        aria-label={t('wall.pictureOf', { name: camera.name })}
      />
      {said ? (
        <div className={classes.failure}>
          <div className={classes.why} role="status">
            <strong>{said.message}</strong>
            <span className={classes.hint}>{said.hint}</span>
          </div>
        </div>
      ) : null}
    </>
  );
}
