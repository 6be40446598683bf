"""Cameras for the bench: one GStreamer RTSP server that loops a clip. Runs under the system's Python, which has `gi`.

    python3 bench/gst_cameras.py CLIP --media 8     prints one JSON line {"port": ...}; serves until killed

Promises   rtsp://127.0.0.1:PORT/0 .. /MEDIA-1, H.264 + AAC with timestamps that go on over the loop; each address may be
           opened by many clients.
Does not   look like many cameras to its own CPU: clients of one address share one payloader, so that the source stays
           cheap; addresses begin at different places of the clip, so that their keyframes do not coincide.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

_DEMUX = (
    "filesrc location={clip} ! qtdemux name=d "
    "d.video_0 ! queue ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au ! "
    "appsink name=video sync=false "
    "d.audio_0 ! queue ! aacparse ! audio/mpeg,stream-format=raw ! appsink name=audio sync=false"
)
_SERVE = (
    "( appsrc name=video is-live=true format=time max-bytes=0 ! rtph264pay name=pay0 pt=96 mtu=1400 "
    "appsrc name=audio is-live=true format=time max-bytes=0 ! rtpmp4gpay name=pay1 pt=97 )"
)
_TICK_MS = 20


class Track:
    """All samples of one track of the clip, in memory once; `step_ns` is the length of each."""

    def __init__(self, sink: Any) -> None:
        self.data: list[bytes] = []
        self.keys: list[bool] = []
        self.caps: Any = None
        total_ns = 0
        while (sample := sink.emit("pull-sample")) is not None:
            buffer = sample.get_buffer()
            self.caps = sample.get_caps()
            self.data.append(buffer.extract_dup(0, buffer.get_size()))
            self.keys.append(not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT))
            total_ns += buffer.duration
        self.step_ns = round(total_ns / len(self.data))


class Media:
    """One shared media while it plays: pushes what is due, each time it is asked."""

    def __init__(self, tracks: list[tuple[Track, Any]], skip: int) -> None:
        self._tracks = tracks
        self._sent = [0] * len(tracks)
        self._skip = [0 if number else skip for number in range(len(tracks))]
        self._started_us = GLib.get_monotonic_time()

    def push_due(self) -> bool:
        """False when nobody takes it any more."""
        now_ns = (GLib.get_monotonic_time() - self._started_us) * 1000
        for number, (track, source) in enumerate(self._tracks):
            while self._sent[number] * track.step_ns <= now_ns:
                at = (self._sent[number] + self._skip[number]) % len(track.data)
                buffer = Gst.Buffer.new_wrapped(track.data[at])
                buffer.pts = self._sent[number] * track.step_ns
                buffer.dts = buffer.pts
                buffer.duration = track.step_ns
                if not track.keys[at]:
                    buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
                if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return False
                self._sent[number] += 1
        return True


class Feeder(threading.Thread):
    """Feeds all media that play; one thread wakes up for all of them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._lock = threading.Lock()
        self._playing: list[Media] = []

    def add(self, media: Media) -> None:
        with self._lock:
            self._playing.append(media)

    def run(self) -> None:
        pause = threading.Event()
        while not pause.wait(_TICK_MS / 1000):
            with self._lock:
                playing = list(self._playing)
            ended = [media for media in playing if not media.push_due()]
            with self._lock:
                for media in ended:
                    self._playing.remove(media)


def demux(clip: str) -> tuple[Track, Track]:
    pipeline = Gst.parse_launch(_DEMUX.format(clip=json.dumps(clip)))
    pipeline.set_state(Gst.State.PLAYING)
    audio: list[Track] = []
    # Both sinks must be emptied at once, or the queue of one stops the other.
    other = threading.Thread(target=lambda: audio.append(Track(pipeline.get_by_name("audio"))))
    other.start()
    video = Track(pipeline.get_by_name("video"))
    other.join()
    pipeline.set_state(Gst.State.NULL)
    return video, audio[0]


def factory(video: Track, audio: Track, skip: int, feeder: Feeder) -> Any:
    made = GstRtspServer.RTSPMediaFactory()
    made.set_launch(_SERVE)
    made.set_shared(True)

    def configure(_: Any, media: Any) -> None:
        element = media.get_element()
        tracks = [(video, element.get_by_name("video")), (audio, element.get_by_name("audio"))]
        for track, source in tracks:
            source.set_property("caps", track.caps)
        feeder.add(Media(tracks, skip))

    made.connect("media-configure", configure)
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clip")
    parser.add_argument("--media", type=int, default=8)
    given = parser.parse_args()
    Gst.init(None)
    video, audio = demux(given.clip)
    feeder = Feeder()
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    points = server.get_mount_points()
    for number in range(given.media):
        skip = number * len(video.data) // given.media
        points.add_factory(f"/{number}", factory(video, audio, skip, feeder))
    server.attach(None)
    feeder.start()
    loop = GLib.MainLoop()
    for name in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, name, loop.quit)
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
