/** What this browser decodes, found out once: the node then sends nothing else (design/renditions.md). */

interface TypeChecker {
  isTypeSupported(mime: string): boolean;
}

const PROBES: Record<string, string> = {
  h264: 'video/mp4; codecs="avc1.42E01E"',
  h265: 'video/mp4; codecs="hvc1.1.6.L120.90"',
  aac: 'audio/mp4; codecs="mp4a.40.2"',
  opus: 'audio/mp4; codecs="opus"',
};

/** `h264,aac,opus`: the names of the probes that pass. */
export function namesOf(supported: (mime: string) => boolean): string {
  return Object.entries(PROBES)
    .filter(([, mime]) => supported(mime))
    .map(([name]) => name)
    .join(',');
}

let known: string | null = null;

/** By Media Source Extensions where there are any: a live picture needs them; else by what the element itself plays. */
export function decodableCodecs(): string {
  if (known === null) {
    const host = window as unknown as Record<string, TypeChecker | undefined>;
    const source = host.MediaSource ?? host.ManagedMediaSource;
    known = namesOf((mime) =>
      source ? source.isTypeSupported(mime) : document.createElement('video').canPlayType(mime) !== '',
    );
  }
  return known;
}

export function decodes(codec: string): boolean {
  return decodableCodecs().split(',').includes(codec.toLowerCase());
}
