"""SRT, through the machine's own `ffmpeg`: the FFmpeg inside PyAV's wheels is built without libsrt.

Promises   the address, passphrase and all, goes in by standard input: no other user of the machine sees it in `ps`; the
           program ends with whoever reads from it.
Does not   decode or look into what comes: MPEG-TS in, MPEG-TS out, for FFmpegSource.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from luytre.archive.keys import Cause
from luytre.base.orphans import end_with_parent
from luytre.converter.failures import failure

PROGRAM: Final = "ffmpeg"
# Copying is nearly all it does; times stay those of the source.
_COMMAND: Final = (
    *("-hide_banner", "-nostats", "-loglevel", "quiet", "-fflags", "+nobuffer", "-probesize", "500000"),
    *("-protocol_whitelist", "pipe,srt,udp", "-f", "concat", "-safe", "0", "-i", "pipe:0"),
    *(
        "-map",
        "0:v:0",
        "-map",
        "0:a:0?",
        "-c",
        "copy",
        "-copyts",
        "-f",
        "mpegts",
        "-flush_packets",
        "1",
        "pipe:1",
    ),
)


class Srt:
    """What comes from one address, as FFmpeg reads files. Raises Error(converter_failed) where there is no program."""

    def __init__(self, url: str, open_s: float, stall_s: float) -> None:
        program = shutil.which(PROGRAM)
        if program is None:
            raise failure(Cause.CONVERTER_FAILED, "for SRT the program ffmpeg is needed on this machine")
        self._wait_s, self._stall_s = open_s, stall_s
        self._process = subprocess.Popen(
            (program, *_COMMAND),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # It may never write, and so never notice that nobody reads.
            preexec_fn=partial(end_with_parent, os.getpid(), signal.SIGKILL),
        )
        assert self._process.stdin is not None
        with self._process.stdin as script:
            script.write(_script(_with_limits(url, open_s, stall_s)))

    def read(self, size: int) -> bytes:
        """b"" at the end. Raises TimeoutError when nothing comes for too long."""
        out = self._process.stdout
        assert out is not None
        if not select.select([out], [], [], self._wait_s)[0]:
            raise TimeoutError
        self._wait_s = self._stall_s
        return out.read(size) or b""

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _with_limits(url: str, open_s: float, stall_s: float) -> str:
    """FFmpeg waits 3 s for a connection unless told, in milliseconds, and for data without end, in microseconds.

    What the address says otherwise is not written anew: FFmpeg's own rules for its letters are not those of browsers.
    """
    parts = urlsplit(url)
    # One who waits to be called opens a port of ours: the node only calls.
    ours = {"mode": "caller", "connect_timeout": round(open_s * 1e3), "timeout": round(stall_s * 1e6)}
    kept = [field for field in parts.query.split("&") if field and field.partition("=")[0] not in ours]
    query = "&".join((*kept, *(f"{name}={value}" for name, value in ours.items())))
    return parts._replace(query=query, fragment="").geturl()


def _script(url: str) -> bytes:
    """A playlist of one (ffmpeg-formats, concat): a quote inside quotes is written outside of them."""
    quoted = url.replace("'", "'\\''").replace("\n", "").replace("\r", "")
    return f"ffconcat version 1.0\nfile '{quoted}'\n".encode()
