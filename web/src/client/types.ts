/** The API's shapes under the names that the pages use: all of them out of the generated schema. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Session = Schemas['Session'];
export type Node = Schemas['Node'];
/** What the converter does to a stream; `cpu`: share of one core. */
export type Converted = Schemas['Converted'];
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

export type FoundDevice = Schemas['FoundDevice'];
export type DeviceDescription = Schemas['DeviceDescription'];
export type Profile = Schemas['DeviceProfile'];
export type View = Schemas['DeviceView'];
export type DeviceClock = Schemas['DeviceClock'];
export type Imaging = Schemas['Imaging'];
export type ImagingLevel = Schemas['ImagingLevel'];
export type ImagingChoice = Schemas['ImagingChoice'];
export type ImagingChange = Schemas['ImagingChange'];
export type Mask = Schemas['Mask'];
export type MaskAsk = Schemas['MaskAsk'];
export type OsdText = Schemas['Osd'];
export type OsdAsk = Schemas['OsdAsk'];
export type CardRecording = Schemas['DeviceRecording'];
export type DeviceEvent = Schemas['DeviceEvent'];
export type EventKind = DeviceEvent['kind'];
export type CameraPreset = Schemas['Preset'];
export type Patrol = Schemas['Patrol'];
export type Velocity = Omit<Schemas['Move'], 'seconds'>;

// -- readers of the restream ----------------------------------------------------------------------------------------

export type Readers = Schemas['Readers'];
export type Reader = Schemas['Reader'];
export type ReaderAsk = Schemas['ReaderAsk'];
export type NewReader = Schemas['NewReader'];
