/** The shapes of design/api.md that the pages use. Names match the generated schema, so that they can be
 *  re-exported from it. */
export type Permission = 'live' | 'playback' | 'export' | 'configure';
export type StreamName = 'main' | 'sub';
export type RecordingState = 'connecting' | 'recording' | 'retrying' | 'disabled' | 'unknown';

export interface Session {
  user: string;
  role: string;
  permissions: Permission[];
  csrf: string;
  expires: string;
}

export interface Node {
  name: string;
  version: string;
  zone: string;
  now: string;
}

export interface Stream {
  name: StreamName;
  url: string;
  state: RecordingState;
  cause: string | null;
  reason: string | null;
  hint: string | null;
  since: string | null;
  retry_at: string | null;
  codec: string | null;
  codec_string: string | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  bitrate_bps: number | null;
  audio: boolean;
  audio_codec: string | null;
  clock_offset_ms: number | null;
}

export interface Camera {
  id: string;
  code: string;
  name: string;
  enabled: boolean;
  state: RecordingState;
  cause: string | null;
  reason: string | null;
  since: string | null;
  recorded_from: string | null;
  streams: Stream[];
}

export interface NewCamera {
  code: string;
  name: string;
  url: string;
  sub_url?: string | null;
  user?: string | null;
  password?: string | null;
  audio?: boolean;
}

export type CameraChange = Partial<Omit<NewCamera, 'code'>> & { enabled?: boolean };

export interface ProbeAsk {
  url: string;
  user?: string | null;
  password?: string | null;
}

export interface Probe {
  video: {
    codec: string;
    codec_string: string;
    width: number;
    height: number;
    fps: number | null;
    gop_s: number | null;
    bitrate_bps: number | null;
  };
  audio: { codec: string; rate: number; channels: number } | null;
  clock_offset_ms: number | null;
  server: string | null;
}

export interface Span {
  start: string;
  end: string;
}

export interface Gap {
  start: string;
  end: string | null;
  cause: string;
  reason: string;
}

export interface Hold {
  start: string;
  end: string;
  reason: string;
}

export interface Day {
  code: string;
  stream: StreamName;
  date: string;
  zone: string;
  start: string;
  end: string;
  minutes: number[];
  recorded_s: number;
  spans: Span[];
  gaps: Gap[];
  holds: Hold[];
}

export interface Tickets {
  m3u8: string;
  mp4: string;
  expires: string;
}
