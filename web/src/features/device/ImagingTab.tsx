import { SegmentedControl, Slider, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { imagingQuery, setImaging } from '../../client/onvif';
import type { Problem } from '../../client/problem';
import type { Imaging, ImagingChange, ImagingChoice, ImagingLevel } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';
import { asLanguage, number } from '../../kit/words';
import { Asked } from './Asked';
import classes from './DevicePage.module.css';
import { choiceWord, levelWord, limitsOf } from './words';

/** How the camera makes its picture. Each change is sent by itself; the live picture shows what it does. */
export function ImagingTab({ code }: { code: string }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const { queryKey } = imagingQuery(code);
  const query = useQuery(imagingQuery(code));
  const set = useMutation<Imaging, Problem, ImagingChange>({
    mutationFn: (wanted) => setImaging(code, wanted),
    onSuccess: (imaging) => client.setQueryData(queryKey, imaging),
    // What the camera refused jumps back to what it has.
    onError: () => client.invalidateQueries({ queryKey }),
  });
  return (
    <Asked query={query}>
      {({ levels, choices }) => (
        <Stack gap="lg" data-testid="imaging">
          {levels.length + choices.length === 0 ? <Text>{t('device.noImaging')}</Text> : null}
          {levels.map((level) => (
            // Made anew when the camera says another value.
            <Level key={`${level.name} ${level.value} ${set.failureCount}`} level={level} onSet={set.mutate} />
          ))}
          {choices.map((choice) => (
            <Choice key={choice.name} choice={choice} onSet={set.mutate} />
          ))}
          <div aria-live="polite" className={classes.saved}>
            {set.isPending ? t('device.sending') : set.isSuccess ? t('device.saved') : null}
          </div>
          {set.error ? <Notice {...say(set.error)} /> : null}
        </Stack>
      )}
    </Asked>
  );
}

function Level({ level, onSet }: { level: ImagingLevel; onSet: (wanted: ImagingChange) => void }) {
  const { t, i18n } = useTranslation();
  const language = asLanguage(i18n.language);
  const [low, high] = limitsOf(level);
  const step = high - low > 10 ? 1 : (high - low) / 100;
  const [value, setValue] = useState(level.value);
  const label = levelWord(level.name, t);
  return (
    <div>
      <div className={classes.levelHead}>
        <span>{label}</span>
        <span>{number(value, language, step < 1 ? 2 : 0)}</span>
      </div>
      <Slider
        thumbLabel={label}
        label={null}
        data-testid={`imaging-${level.name}`}
        min={low}
        max={high}
        step={step}
        value={value}
        onChange={setValue}
        onChangeEnd={(chosen) => onSet({ [level.name]: chosen })}
      />
    </div>
  );
}

function Choice({ choice, onSet }: { choice: ImagingChoice; onSet: (wanted: ImagingChange) => void }) {
  const { t } = useTranslation();
  if (choice.choices.length === 0) {
    return (
      <div className={classes.levelHead}>
        <span>{levelWord(choice.name, t)}</span>
        <span>{choiceWord(choice.name, choice.value, t)}</span>
      </div>
    );
  }
  const choices = choice.choices.includes(choice.value) ? choice.choices : [choice.value, ...choice.choices];
  return (
    <div>
      <div className={classes.levelHead}>{levelWord(choice.name, t)}</div>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label={levelWord(choice.name, t)}
        data-testid={`imaging-${choice.name}`}
        value={choice.value}
        data={choices.map((value) => ({ value, label: choiceWord(choice.name, value, t) }))}
        onChange={(value) => onSet({ [choice.name]: value })}
      />
    </div>
  );
}
