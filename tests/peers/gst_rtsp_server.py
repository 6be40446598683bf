"""A GStreamer RTSP server for tests and the bench, run by the system's own Python (which has `gi`).

    python3 gst_rtsp_server.py '{"mounts": {"/cam": {"reel": "clip.reel", "shared": true}}, "user": "", "password": ""}'

Prints one JSON line `{"port": N, "mounts": [...]}` when it listens, and ends when its standard input is closed.
`"certificate"`: a PEM file with certificate and key, for RTSPS. A mount may say `"protocols": "udp"` or `"tcp+udp"`.
A mount is `{"reel": FILE}` (made by tests/peers/gstreamer.py: a clip in a loop without end, its timestamps going on) or
`{"launch": DESCRIPTION}` (gst-launch, payloaders pay0...). With user and password clients must log in, by Digest.
Stands alone: it can import nothing of ours.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

Unit = tuple[int, int, bool, bytes]
RECORD = struct.Struct(">BBQQI")
# So much is handed to GStreamer per call: fewer calls, and no more than it takes anyway.
BATCH_NS = 200_000_000


class Reel:
    """Access units of one track: (time to send, presentation time, keyframe, data), times in nanoseconds."""

    def __init__(self, units: list[Unit], length_ns: int) -> None:
        self.units = units
        self.length_ns = length_ns


def read_reel(path: str) -> tuple[dict[str, Any], Reel, Reel | None]:
    """(head, video Reel, audio Reel or None)."""
    raw = Path(path).read_bytes()
    head_size = int.from_bytes(raw[:4], "big")
    head = json.loads(raw[4 : 4 + head_size])
    tracks: tuple[list[Unit], list[Unit]] = ([], [])
    at = 4 + head_size
    while at < len(raw):
        track, key, send, pts, size = RECORD.unpack_from(raw, at)
        at += RECORD.size
        tracks[track].append((send, pts, bool(key), raw[at : at + size]))
        at += size
    video = Reel(tracks[0], head["length_ns"])
    audio = Reel(tracks[1], head["audio_length_ns"]) if tracks[1] else None
    return head, video, audio


class Feeder:
    """Feeds one appsrc from a reel for as long as it is wanted."""

    def __init__(self, source: Any, reel: Reel) -> None:
        self.reel = reel
        self.units = self._endless()
        source.connect("need-data", self.need_data)

    def _endless(self) -> Iterator[Unit]:
        for loop in count():
            shift = loop * self.reel.length_ns
            for send, pts, key, data in self.reel.units:
                yield send + shift, pts + shift, key, data

    def need_data(self, source: Any, _length: int) -> None:
        until: int | None = None
        for send, pts, key, data in self.units:
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.dts, buffer.pts = send, pts
            if not key:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
            if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
            until = until if until is not None else send + BATCH_NS
            if send >= until:
                return


def description(head: dict[str, Any]) -> str:
    kind = {"h264": "264", "h265": "265"}[head["codec"]]
    text = (
        f"appsrc name=video format=time is-live=true max-bytes=4000000 "
        f'caps="video/x-h{kind},stream-format=byte-stream,alignment=au" '
        f"! h{kind}parse ! rtph{kind}pay name=pay0 pt=96 mtu=1400"
    )
    if head["audio"]:
        sound = head["audio"]
        text += (
            " appsrc name=audio format=time is-live=true max-bytes=200000 "
            f'caps="audio/mpeg,mpegversion=4,stream-format=raw,rate={sound["rate"]},channels={sound["channels"]},'
            f'codec_data=(buffer){sound["config"]}" ! rtpmp4gpay name=pay1 pt=97 max-ptime=20000000'
        )
    return f"( {text} )"


def factory_for(mount: dict[str, Any]) -> Any:
    factory = GstRtspServer.RTSPMediaFactory()
    if "launch" in mount:
        factory.set_launch(mount["launch"])
    else:
        head, video, audio = read_reel(mount["reel"])
        factory.set_launch(description(head))

        def configure(_factory: Any, media: Any) -> None:
            element = media.get_element()
            feeders = [Feeder(element.get_by_name_recurse_up("video"), video)]
            if audio is not None:
                feeders.append(Feeder(element.get_by_name_recurse_up("audio"), audio))
            media.feeders = feeders

        factory.connect("media-configure", configure)
    factory.set_shared(bool(mount.get("shared", True)))
    lower = {"tcp": GstRtsp.RTSPLowerTrans.TCP, "udp": GstRtsp.RTSPLowerTrans.UDP}
    protocols = GstRtsp.RTSPLowerTrans(0)
    for name in mount.get("protocols", "tcp").split("+"):
        protocols |= lower[name]
    factory.set_protocols(protocols)
    # A camera keeps its clock: a new client of a shared mount joins what is running.
    factory.set_suspend_mode(GstRtspServer.RTSPSuspendMode.NONE)
    return factory


def protect(server: Any, factories: list[Any], user: str, password: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    for factory in factories:
        permissions = GstRtspServer.RTSPPermissions()
        for right in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("viewer", right, True)
        factory.set_permissions(permissions)


def encrypt(server: Any, certificate: str) -> None:
    auth = server.get_auth() or GstRtspServer.RTSPAuth()
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(certificate))
    server.set_auth(auth)


def main() -> None:
    wish = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    server.set_backlog(256)
    mounts = server.get_mount_points()
    factories = []
    for path, mount in wish["mounts"].items():
        factories.append(factory_for(mount))
        mounts.add_factory(path, factories[-1])
    if wish.get("user"):
        protect(server, factories, wish["user"], wish["password"])
    if wish.get("certificate"):
        encrypt(server, wish["certificate"])
    server.attach(None)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_HUP | GLib.IO_IN, lambda *_: loop.quit())
    print(json.dumps({"port": server.get_bound_port(), "mounts": list(wish["mounts"])}), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
