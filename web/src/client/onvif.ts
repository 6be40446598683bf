/** Cameras by ONVIF: finding them, what they say, steering them. */
import { queryOptions } from '@tanstack/react-query';
import { requestJson } from './request';
import type {
  CameraPreset,
  CardRecording,
  DeviceClock,
  DeviceDescription,
  DeviceEvent,
  FoundDevice,
  Imaging,
  ImagingChange,
  Mask,
  MaskAsk,
  OsdAsk,
  OsdText,
  Patrol,
  Velocity,
} from './types';

const at = (code: string, path: string) => `/cameras/${encodeURIComponent(code)}/${path}`;

export interface Login {
  user: string;
  password: string;
}

export function discover(seconds: number, signal: AbortSignal): Promise<FoundDevice[]> {
  return requestJson('/onvif/discover', { method: 'POST', body: { seconds }, signal });
}

export function describe(address: string, login: Login, signal: AbortSignal): Promise<DeviceDescription> {
  return requestJson('/onvif/describe', { method: 'POST', body: { address, ...login }, signal });
}

/** Asks a registered camera; who made it is kept. */
export function aboutQuery(code: string) {
  return queryOptions<DeviceDescription>({
    queryKey: ['about', code],
    queryFn: ({ signal }) => requestJson<DeviceDescription>(at(code, 'onvif'), { signal }),
    staleTime: Infinity,
  });
}

// -- one camera's head ----------------------------------------------------------------------------------------------

export function move(code: string, velocity: Velocity, seconds: number): Promise<undefined> {
  return requestJson(at(code, 'ptz/move'), { method: 'POST', body: { ...velocity, seconds } });
}

export function stop(code: string): Promise<undefined> {
  return requestJson(at(code, 'ptz/stop'), { method: 'POST' });
}

export function presetsQuery(code: string) {
  return queryOptions<CameraPreset[]>({
    queryKey: ['presets', code],
    queryFn: ({ signal }) => requestJson<CameraPreset[]>(at(code, 'ptz/presets'), { signal }),
    staleTime: 60_000,
  });
}

export function goTo(code: string, preset: string): Promise<undefined> {
  return requestJson(at(code, 'ptz/preset'), { method: 'POST', body: { preset } });
}

/** Where the camera looks now, under a name. */
export function keepPreset(code: string, name: string): Promise<CameraPreset> {
  return requestJson(at(code, 'ptz/presets'), { method: 'POST', body: { name } });
}

export function forgetPreset(code: string, preset: string): Promise<undefined> {
  return requestJson(at(code, 'ptz/forget'), { method: 'POST', body: { preset } });
}

export function patrolsQuery(code: string) {
  return queryOptions<Patrol[]>({
    queryKey: ['patrols', code],
    queryFn: ({ signal }) => requestJson<Patrol[]>(at(code, 'ptz/patrols'), { signal }),
    // A camera without patrols is not asked again and again.
    refetchInterval: (query) => (query.state.data?.length ? 10_000 : false),
  });
}

export function runPatrol(code: string, patrol: string, start: boolean): Promise<undefined> {
  return requestJson(at(code, 'ptz/patrol'), { method: 'POST', body: { patrol, start } });
}

// -- picture, clock, masks, texts, events, card ------------------------------------------------------------------------

export function imagingQuery(code: string) {
  return queryOptions<Imaging>({
    queryKey: ['imaging', code],
    queryFn: ({ signal }) => requestJson<Imaging>(at(code, 'imaging'), { signal }),
  });
}

export function setImaging(code: string, wanted: ImagingChange): Promise<Imaging> {
  return requestJson(at(code, 'imaging'), { method: 'PUT', body: wanted });
}

export function clockQuery(code: string) {
  return queryOptions<DeviceClock>({
    queryKey: ['camera-clock', code],
    queryFn: ({ signal }) => requestJson<DeviceClock>(at(code, 'clock'), { signal }),
  });
}

export function setClock(code: string): Promise<DeviceClock> {
  return requestJson(at(code, 'clock'), { method: 'POST', body: {} });
}

export function masksQuery(code: string) {
  return queryOptions<Mask[]>({
    queryKey: ['masks', code],
    queryFn: ({ signal }) => requestJson<Mask[]>(at(code, 'masks'), { signal }),
  });
}

/** These masks and no others. */
export function setMasks(code: string, masks: MaskAsk[]): Promise<Mask[]> {
  return requestJson(at(code, 'masks'), { method: 'PUT', body: masks });
}

/** Those that are given; the others stay. */
export function setOsd(code: string, texts: OsdAsk[]): Promise<OsdText[]> {
  return requestJson(at(code, 'osd'), { method: 'PUT', body: texts });
}

export function osdQuery(code: string) {
  return queryOptions<OsdText[]>({
    queryKey: ['osd', code],
    queryFn: ({ signal }) => requestJson<OsdText[]>(at(code, 'osd'), { signal }),
  });
}

/** Of the last `lengthMs`, by the node's clock. */
export function eventsQuery(code: string, lengthMs: number, skewMs: number) {
  return queryOptions<DeviceEvent[]>({
    queryKey: ['events', code],
    queryFn: ({ signal }) => {
      const endMs = Date.now() + skewMs;
      const [start, end] = [endMs - lengthMs, endMs].map((ms) => new Date(ms).toISOString());
      const span = new URLSearchParams({ start: start ?? '', end: end ?? '' });
      return requestJson<DeviceEvent[]>(at(code, `events?${span.toString()}`), { signal });
    },
    refetchInterval: 10_000,
  });
}

export function cardQuery(code: string) {
  return queryOptions<CardRecording[]>({
    queryKey: ['card', code],
    queryFn: ({ signal }) => requestJson<CardRecording[]>(at(code, 'recordings'), { signal }),
  });
}
