/** hls.js publishes no types for its light build; it is the same API without subtitles, DRM and alternate audio. */
declare module 'hls.js/light' {
  export { default } from 'hls.js';
}
