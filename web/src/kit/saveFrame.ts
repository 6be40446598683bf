/** Saves the picture that a <video> shows at this moment as a JPEG file. False when there is no picture. */
export function saveFrame(video: HTMLVideoElement, name: string): boolean {
  if (video.videoWidth === 0) return false;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  canvas.toBlob(
    (blob) => {
      if (!blob) return;
      const url = URL.createObjectURL(blob);
      startDownload(url, name);
      URL.revokeObjectURL(url);
    },
    'image/jpeg',
    0.92,
  );
  return true;
}

/** Lets the browser fetch an address into a file; without a name the server's own name counts. */
export function startDownload(address: string, name = ''): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
}
