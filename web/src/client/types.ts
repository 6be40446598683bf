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
export type Gap = Schemas['Gap'];
export type Hold = Schemas['Hold'];
export type Day = Schemas['Day'];
export type Tickets = Schemas['Tickets'];
export type RetentionClass = Schemas['RetentionClass'];
export type RecordingState = Camera['state'];
export type RecordingMode = Camera['mode'];
export type Transport = Camera['transport'];
export type StreamName = 'main' | 'sub';
/** `auto`: each moment from the main stream, or from the sub stream where the main one is not there. */
export type PlayedName = 'auto' | StreamName;
export type Permission = 'live' | 'ptz' | 'playback' | 'export' | 'configure';

export type ClassForecast = Schemas['ForecastClass'];
export type Forecast = Schemas['Forecast'];
export type Volume = Schemas['Volume'];

// -- by ONVIF -------------------------------------------------------------------------------------------------------

export interface FoundDevice {
  endpoint: string;
  address: string;
  addresses: string[];
  name: string;
  hardware: string;
  location: string;
  /** Cameras that are registered with its host. */
  codes: string[];
}

export interface Profile {
  token: string;
  name: string;
  codec: string | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  bitrate_bps: number | null;
  audio: string | null;
  ptz: boolean;
  url: string | null;
}

export interface View {
  source: string;
  main: Profile;
  sub: Profile | null;
}

export interface DeviceDescription {
  address: string;
  manufacturer: string | null;
  model: string | null;
  firmware: string | null;
  serial: string | null;
  hardware: string | null;
  clock_offset_s: number | null;
  abilities: string[];
  profiles: Profile[];
  views: View[];
  weak_password: boolean;
  password_hint: string | null;
}

export interface Velocity {
  pan?: number;
  tilt?: number;
  zoom?: number;
}

export interface CameraPreset {
  token: string;
  name: string;
}

export interface Patrol extends CameraPreset {
  running: boolean;
}

export interface ImagingLevel {
  name: string;
  value: number;
  low: number | null;
  high: number | null;
}

export interface ImagingChoice {
  name: string;
  value: string;
  choices: string[];
}

export interface Imaging {
  levels: ImagingLevel[];
  choices: ImagingChoice[];
}

export interface DeviceClock {
  offset_s: number | null;
}

export type EventKind = 'motion' | 'tamper' | 'input';

export interface DeviceEvent {
  kind: EventKind;
  active: boolean | null;
  at: string;
  source: string;
}

export interface Mask {
  token: string;
  polygon: [number, number][];
  enabled: boolean;
}

export interface OsdText {
  token: string;
  content: 'Plain' | 'Date' | 'Time' | 'DateAndTime';
  text: string;
  corner: 'UpperLeft' | 'UpperRight' | 'LowerLeft' | 'LowerRight' | 'Custom';
}

export type MaskAsk = Omit<Mask, 'token'> & { token?: string };
export type OsdAsk = Partial<OsdText>;

export interface CardSpan {
  token: string;
  source: string;
  start: string | null;
  end: string | null;
}

export interface Reader {
  id: string;
  name: string;
  user: string;
  cameras: string[] | null;
  created: string;
  created_by: string;
  expires: string | null;
  used: string | null;
}

export interface NewReader extends Reader {
  secret: string;
}
