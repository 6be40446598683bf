import { Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { camerasQuery, classesQuery, volumesQuery } from '../../client/queries';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import { ClassesTable } from './ClassesTable';
import classes from './StoragePage.module.css';
import { VolumeCard } from './VolumeCard';

/** The disks, for how long they hold what is promised, and what is promised to whom. */
export default function StoragePage() {
  const { t } = useTranslation();
  const say = useProblemWords();
  const { data: volumes, error } = useQuery(volumesQuery);
  const { data: retention, error: classesError } = useQuery(classesQuery);
  const { data: cameras = [] } = useQuery(camerasQuery);
  const problem = error ?? classesError;
  return (
    <div className={classes.page}>
      {problem ? <Notice {...say(problem)} /> : null}
      {volumes === undefined ? (
        problem ? null : (
          <Loader size="sm" m="xl" />
        )
      ) : volumes.length === 0 ? (
        <Notice tone="info" message={t('storage.none')} hint={t('storage.noneHint')} />
      ) : (
        <div className={classes.volumes}>
          {volumes.map((volume) => (
            <VolumeCard key={volume.path} volume={volume} alone={volumes.length === 1} />
          ))}
        </div>
      )}
      {retention ? <ClassesTable retention={retention} volumes={volumes ?? []} cameras={cameras} /> : null}
    </div>
  );
}
