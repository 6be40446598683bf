/** Which picture a tile shows, as the node said it: the wanted one, another stream, or a converted one. */
import type { TFunction } from 'i18next';
import type { StreamName } from '../../client/types';
import { codecName } from '../../kit/words';

export interface Shown {
  stream: StreamName;
  /** Another stream than the wanted one, because this browser cannot decode that. */
  instead: boolean;
  codec: string | null;
  sound: string | null;
  video_as: string | null;
  sound_as: string | null;
  width: number;
  height: number;
  /** Cores that the conversion takes. */
  cpu: number | null;
  busy: number;
  places: number;
  cause: string | null;
  reason: string | null;
  hint: string | null;
}

/** Words on the tile: short, and the whole sentence for a tooltip; null for the picture as it is. */
export function noteOf(shown: Shown | null, t: TFunction): { short: string; long: string } | null {
  if (!shown || shown.cause !== null) return null;
  if (shown.video_as !== null) {
    const names = { codec: codecName(shown.codec ?? 'h265'), as: codecName(shown.video_as) };
    return { short: t('shown.converted', names), long: t('shown.convertedLong', names) };
  }
  if (shown.instead) return { short: t('shown.instead'), long: t('wall.instead') };
  return null;
}

/** What is converted and what it costs, for the list of facts. */
export function costOf(shown: Shown | null, t: TFunction): string[] {
  if (!shown) return [];
  const facts: string[] = [];
  if (shown.video_as !== null && shown.cpu !== null) {
    facts.push(t('shown.cost', { percent: Math.round(shown.cpu * 100), busy: shown.busy, places: shown.places }));
  }
  if (shown.sound !== null && shown.sound_as !== null && shown.sound_as !== 'none') {
    facts.push(t('shown.sound', { codec: codecName(shown.sound), as: codecName(shown.sound_as) }));
  }
  return facts;
}

/** Whether there is sound to be heard. */
export function audible(shown: Shown | null): boolean {
  return shown !== null && shown.sound !== null && shown.sound_as !== 'none';
}
