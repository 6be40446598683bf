"""Our client against GStreamer's server: another implementation's RTSP, packets and reports."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from luytre.base.errors import Error
from luytre.media.rtp import rtcp
from luytre.media.rtp.aac import AacReceiver
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.receiver import Receiver
from luytre.media.tracks import AudioTrack, VideoTrack
from tests.peers.clips import make_clip
from tests.peers.gstreamer import TEST_PICTURE, GstServer, gst_server, gst_serving, reel_mount
from tests.simulator.watching import Watcher

__all__ = ["gst_server"]
pytestmark = pytest.mark.gstreamer


def received(watcher: Watcher, done: Callable[[dict[int, Receiver]], bool]) -> dict[int, Receiver]:
    """A receiver per track, fed until `done`."""
    receivers: dict[int, Receiver] = {}
    for track in watcher.playing.tracks:
        sets = track.track.parameter_sets if isinstance(track.track, VideoTrack) else ()
        kinds = {
            "h264": lambda kind, s=sets: H264Receiver(kind, s),
            "h265": lambda kind, s=sets: H265Receiver(kind, s),
        }
        make = kinds.get(track.codec, AacReceiver)
        receivers[track.channel] = make(track.media.payload_type)
    for channel, payload in watcher.frames():
        if channel in receivers:
            receivers[channel].push(payload, 0, len(payload))
            if done(receivers):
                return receivers
    raise AssertionError("unreachable")


@pytest.mark.parametrize(("mount", "count"), [("/h264", 90), ("/h265", 90), ("/live", 20)])
def test_pictures_come_without_loss_also_over_the_end_of_the_loop(
    gst_server: GstServer, mount: str, count: int
) -> None:
    with Watcher(gst_server.url(mount)) as watcher:
        (track,) = watcher.playing.tracks
        assert isinstance(track.track, VideoTrack)
        (receiver,) = received(watcher, lambda made: len(made[track.channel].samples) >= count).values()
    assert (receiver.lost, receiver.invalid) == (0, 0)
    assert receiver.samples[0].key
    pts = [sample.pts for sample in receiver.samples]
    step = 6000 if mount == "/live" else 4500
    assert all(abs(after - before - step) <= 10 for before, after in pairwise(pts[3:]))


def test_sound_comes_beside_the_picture(gst_server: GstServer) -> None:
    with Watcher(gst_server.url("/h264"), audio=True) as watcher:
        video, sound = watcher.playing.tracks
        assert isinstance(sound.track, AudioTrack)
        assert (sound.track.rate, sound.track.channels) == (16000, 1)
        made = received(watcher, lambda seen: len(seen[sound.channel].samples) > 30)
    assert made[sound.channel].lost == 0
    assert made[video.channel].samples


def test_sender_reports_come(gst_server: GstServer) -> None:
    with Watcher(gst_server.url("/live")) as watcher:
        track = watcher.playing.tracks[0]
        reports = (
            rtcp.parse(payload) for channel, payload in watcher.frames() if channel == track.rtcp_channel
        )
        first = next(reports)
    assert isinstance(first[0], rtcp.SenderReport)


def test_digest(tmp_path: Path) -> None:
    mounts = {"/cam": reel_mount(make_clip(tmp_path / "clip.mp4"), tmp_path, shared=False)}
    with gst_serving(mounts, user="admin", password="pass word") as server:
        with Watcher(server.url("/cam"), user="admin", password="pass word") as watcher:
            made = received(watcher, lambda seen: len(seen[0].samples) > 5)
            assert made[0].lost == 0
            # The session outlives its nonce and its timeout only with a keep-alive that is accepted.
            watcher.session.keepalive(0.0)
            watcher.socket.sendall(watcher.session.keepalive(1000.0))
        for user, password in (("", ""), ("admin", "wrong")):
            with pytest.raises(Error) as caught:
                Watcher(server.url("/cam"), user=user, password=password)
            assert caught.value.cause == "auth_failed"


def test_a_path_that_is_not_there(gst_server: GstServer) -> None:
    with pytest.raises(Error) as caught:
        Watcher(gst_server.url("/nothing"))
    assert caught.value.cause == "not_found"


def test_a_picture_that_cannot_be_made_is_the_servers_error() -> None:
    with (
        gst_serving(
            {
                "/broken": TEST_PICTURE
                | {"launch": "( filesrc location=nothing.h264 ! h264parse ! rtph264pay name=pay0 )"}
            }
        ) as server,
        pytest.raises(Error) as caught,
    ):
        Watcher(server.url("/broken"))
    assert caught.value.cause == "server_error"
