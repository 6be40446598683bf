import { useTranslation } from 'react-i18next';
import type { Camera, RetentionClass, Volume } from '../../client/types';
import { asLanguage, byteSize, dayCount, number } from '../../kit/words';
import classes from './StoragePage.module.css';
import { classTotal } from './volume';

interface Props {
  retention: RetentionClass[];
  volumes: Volume[];
  cameras: Camera[];
}

export function ClassesTable({ retention, volumes, cameras }: Props) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const days = (main: number, sub: number) =>
    main === sub
      ? dayCount(main, language)
      : t('storage.mainAndSub', { main: dayCount(main, language), sub: dayCount(sub, language) });
  const size = (bytes: number | undefined) => (bytes ? byteSize(bytes, language) : '');
  return (
    <section>
      <h2 className={classes.title}>{t('storage.classes')}</h2>
      <div className={classes.scroll}>
        <table className={classes.table} data-testid="classes">
          <thead>
            <tr>
              <th scope="col">{t('storage.class')}</th>
              <th scope="col">{t('storage.cameras')}</th>
              <th scope="col">{t('storage.promised')}</th>
              <th scope="col">{t('storage.keep')}</th>
              <th scope="col">{t('storage.perDay')}</th>
              <th scope="col">{t('storage.needed')}</th>
              <th scope="col">{t('storage.whenFull')}</th>
            </tr>
          </thead>
          <tbody>
            {retention.map((one) => {
              const total = classTotal(volumes, one.name);
              return (
                <tr key={one.name}>
                  <th scope="row">{one.name}</th>
                  <td data-label={t('storage.cameras')}>
                    {number(cameras.filter((camera) => camera.retention === one.name).length, language)}
                  </td>
                  <td data-label={t('storage.promised')}>{days(one.days, one.sub_days)}</td>
                  <td data-label={t('storage.keep')}>{days(one.keep_days, one.sub_keep_days)}</td>
                  <td data-label={t('storage.perDay')}>{size(total?.bytes_per_day)}</td>
                  <td data-label={t('storage.needed')}>{size(total?.needed_bytes)}</td>
                  <td data-label={t('storage.whenFull')}>{t(`storage.${one.when_full}`)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
