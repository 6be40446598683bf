/** Times as people type them: "14:05", "14h05", "2:14:07", "22/11 14:05", "22-11-2026 14.05". */
import { instant, localTime } from '../../kit/zone';

const ENTRY =
  /^\s*(?:(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d{2}))?[\s,]+)?(\d{1,2})(?:[:h.](\d{1,2})?)?(?:[:.](\d{1,2}))?\s*$/i;

function whole(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}

/** The instant, milliseconds, or null when it cannot be understood. Without a day: the day of `aroundMs`. Without a
 *  year: the latest year in which that day is not after `nowMs`. A lone number ("14") is an hour. */
export function parseEntry(text: string, zone: string, aroundMs: number, nowMs: number): number | null {
  const match = ENTRY.exec(text);
  if (!match) return null;
  const [day, month, year, hour, minute, second] = match.slice(1).map(whole);
  if (hour === undefined || hour > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return null;
  const time = { hour, minute: minute ?? 0, second: second ?? 0 };
  if (day === undefined || month === undefined) return instant(zone, { ...localTime(zone, aroundMs), ...time });
  const thisYear = localTime(zone, nowMs).year;
  const at = (y: number) => instant(zone, { year: y, month, day, ...time });
  const fullYear = year === undefined ? undefined : year < 100 ? 2000 + year : year;
  let ms = at(fullYear ?? thisYear);
  if (fullYear === undefined && ms > nowMs + 86_400_000) ms = at(thisYear - 1);
  const back = localTime(zone, ms);
  return back.day === day && back.month === month ? ms : null;
}
