/** The API's shapes under the names that the pages use: all of them out of the generated schema. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Session = Schemas['Session'];
export type Node = Schemas['Node'];
export type Stream = Schemas['Stream'];
export type Camera = Schemas['Camera'];
export type NewCamera = Schemas['NewCamera'];
export type CameraChange = Schemas['CameraChange'];
export type ProbeAsk = Schemas['ProbeAsk'];
export type Probe = Schemas['Probe'];
export type Span = Schemas['Span'];
export type Gap = Schemas['Gap'];
export type Hold = Schemas['Hold'];
export type Day = Schemas['Day'];
export type Tickets = Schemas['Tickets'];
export type RetentionClass = Schemas['RetentionClass'];
export type RecordingState = Camera['state'];
export type RecordingMode = Camera['mode'];
export type StreamName = 'main' | 'sub';
export type Permission = 'live' | 'playback' | 'export' | 'configure';

/** What is needed on a volume by one retention class. */
export interface ClassForecast {
  name: string;
  streams: number;
  bytes_per_day: number;
  promised_days: number;
  sub_days: number;
  needed_bytes: number;
}

/** For how long a volume can hold what is promised. */
export interface Forecast {
  bytes_per_day: number;
  capacity_bytes: number;
  needed_bytes: number;
  missing_bytes: number;
  days_left: number | null;
  breaks_at: string | null;
  alarm: 'cannot_hold' | 'breaks_soon' | null;
  classes: ClassForecast[];
}

/** A node that cannot tell a forecast yet leaves it out. */
export type Volume = Schemas['Volume'] & { forecast?: Forecast | null };
