/** Events as people read them: a beginning and its end are one line. */
import type { DeviceEvent, EventKind } from '../../client/types';

export interface EventLine {
  key: string;
  kind: EventKind;
  source: string;
  startMs: number;
  /** Null: it still lasts, or only happened. */
  endMs: number | null;
  lasting: boolean;
}

/** Newest first, of events in any order. An end without a beginning is left out: what it ended is past the list. */
export function lines(events: readonly DeviceEvent[]): EventLine[] {
  const out: EventLine[] = [];
  const open = new Map<string, EventLine>();
  const inOrder = events.map((event) => ({ event, ms: Date.parse(event.at) })).sort((a, b) => a.ms - b.ms);
  for (const { event, ms } of inOrder) {
    const { kind, source, active } = event;
    const place = `${kind} ${source}`;
    const begun = open.get(place);
    if (active === false) {
      if (begun) Object.assign(begun, { endMs: ms, lasting: false });
      open.delete(place);
      continue;
    }
    // Cameras repeat what still lasts.
    if (begun) continue;
    const line = { key: `${place} ${out.length}`, kind, source, startMs: ms, endMs: null, lasting: active === true };
    if (active === true) open.set(place, line);
    out.push(line);
  }
  return out.reverse();
}
