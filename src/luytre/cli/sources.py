"""`luytre sim`, `luytre probe`: cameras that are ours, and cameras that are not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from luytre.base.errors import Error
from luytre.cameras.probing import Probed
from luytre.cameras.probing import probe as ask
from luytre.cameras.reasons import words
from luytre.cli.language import language, say
from luytre.cli.output import number, password_from_stdin, print_json, print_pairs
from luytre.media.rtsp.auth import Scheme
from luytre.media.rtsp.url import split_credentials
from luytre.simulator.clips import AudioName
from luytre.simulator.command import Ready
from luytre.simulator.command import run as simulate
from luytre.simulator.sources import VideoName


def sim(
    port: int,
    host: str,
    cameras: int,
    clip: Path | None,
    codec: VideoName,
    audio: AudioName,
    auth: Scheme,
    user_name: str,
    password_stdin: bool,
    tls: bool,
    as_json: bool,
) -> None:
    def ready(listening: Ready) -> None:
        login = {"user": listening.user, "password": listening.password} if auth != "none" else {}
        if listening.certificate:
            login["certificate"] = listening.certificate
        if as_json:
            streams = [{"main": main, "sub": sub} for main, sub in listening.urls]
            print_json({"port": listening.port, "cameras": streams, **login})
            return
        print(say("sim.ready", cameras=len(listening.urls), first=listening.urls[0][0]), flush=True)
        if listening.certificate:
            print(say("sim.certificate", sha256=listening.certificate), flush=True)
        if auth != "none":
            print(say("sim.login", user=listening.user, password=listening.password), flush=True)

    password = password_from_stdin() if password_stdin else ""
    simulate(port, cameras, clip, codec, audio, auth, user_name, password, host, tls, ready)


def probe(url: str, user_name: str | None, password_stdin: bool, seconds: float, as_json: bool) -> None:
    clean, user, password = split_credentials(url)
    user = user_name if user_name is not None else user
    password = password_from_stdin() if password_stdin else password
    try:
        found = asyncio.run(ask(clean, user, password, seconds=seconds))
    except Error as error:
        raise _spoken(error) from error
    if as_json:
        print_json(_as_json(found))
    else:
        print_pairs(_as_pairs(found))


def _spoken(error: Error) -> Error:
    """The same error, in the words a person finds for this cause on the pages too."""
    known = words(error.cause, language())
    if known is None:
        return error
    return Error(error.kind, known.reason, hint=known.hint, cause=f"probe.{error.cause}")


def _as_json(probed: Probed) -> dict[str, object]:
    found, done = probed.result, probed.converted
    video, audio = found.video, found.audio
    return {
        "video": {
            "codec": video.codec,
            "codec_string": video.codec_string,
            "width": video.width,
            "height": video.height,
            "fps": video.fps,
            "gop_s": video.gop_s,
            "bitrate_bps": video.bitrate_bps,
        },
        "audio": {"codec": audio.codec, "rate": audio.rate, "channels": audio.channels} if audio else None,
        "clock_offset_ms": found.clock_offset_ms,
        "server": found.server,
        "converted": None
        if done is None
        else {"from": done.source, "to": done.target, "encoded": done.encoded, "cpu": done.cpu},
        "url": probed.url,
    }


def _as_pairs(probed: Probed) -> list[tuple[str, str]]:
    found, done = probed.result, probed.converted
    video, audio, offset = found.video, found.audio, found.clock_offset_ms
    sound = f"{audio.codec}, {number(audio.rate)} Hz, {audio.channels}" if audio else say("probe.no_audio")
    clock = say("probe.clock_unknown") if offset is None else say("probe.clock_off", ms=number(offset))
    pairs = [
        ("probe.video", f"{video.codec} ({video.codec_string})"),
        ("probe.size", f"{video.width}x{video.height}"),
        ("probe.fps", "?" if video.fps is None else number(video.fps, 1)),
        ("probe.gop", "?" if video.gop_s is None else f"{number(video.gop_s, 1)} s"),
        ("probe.bitrate", "?" if video.bitrate_bps is None else f"{number(video.bitrate_bps / 1e6, 2)} Mb/s"),
        ("probe.audio", sound),
        ("probe.clock", clock),
        ("probe.server", found.server or "?"),
    ]
    if done is not None:
        how = "probe.encoded" if done.encoded else "probe.copied"
        cost = say(how, source=done.source, target=done.target, percent=number(done.cpu * 100))
        pairs.append(("probe.converted", cost))
    if probed.url is not None:
        pairs.append(("probe.enter", probed.url))
    return [(say(key), value) for key, value in pairs]
