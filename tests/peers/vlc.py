"""VLC as an RTSP server, in a process of its own: a third implementation, which serves over UDP only.

    with vlc_serving(clip) as url: ...

Promises   a loud skip where VLC is absent; it does not run as root, which it refuses; it ends with the test.
Does not   loop: the clip should be longer than the test.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.simulator.watching import until

_NOBODY = "nobody"


@contextmanager
def vlc_serving(clip: Path) -> Iterator[str]:
    """The address of the clip, which VLC plays once, in real time."""
    vlc = shutil.which("vlc")
    if vlc is None or (os.geteuid() == 0 and shutil.which("setpriv") is None):
        pytest.skip("VLC ABSENT: no second RTSP server to test against (see scripts/system-packages)")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    # pytest's own folders are closed to others.
    with tempfile.TemporaryDirectory(prefix="luytre-vlc-") as folder:
        shown = Path(folder) / "clip.mp4"
        shutil.copyfile(clip, shown)
        shown.chmod(0o644)
        command = [vlc, "-I", "dummy", "--no-audio", "--rtsp-host=127.0.0.1", str(shown)]
        command += ["--sout", f"#rtp{{sdp=rtsp://:{port}/x}}", "--sout-keep"]
        if os.geteuid() == 0:
            nobody = pwd.getpwnam(_NOBODY)
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            command = [
                "setpriv",
                f"--reuid={_NOBODY}",
                f"--regid={nobody.pw_gid}",
                "--clear-groups",
                *command,
            ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": folder},
        )
        try:
            until(lambda: process.poll() is not None or _describes(port))
            assert process.poll() is None, f"VLC ended with {process.returncode}"
            yield f"rtsp://127.0.0.1:{port}/x"
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _describes(port: int) -> bool:
    """It listens before it has anything to show."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as asking:
        asking.sendall(f"DESCRIBE rtsp://127.0.0.1:{port}/x RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        return b"m=video" in asking.recv(4096)
    return False
