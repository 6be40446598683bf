"""Trust on first use: kept, asked, forgotten; and cameras over TLS whose certificate changes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from luytre.base.errors import Error
from luytre.recorder.probe import probe
from luytre.recorder.trust import Trust, forget, known, path_of
from tests.media.clips import encode_video
from tests.peers.certificates import self_signed
from tests.recorder.test_bad_cameras import says_nothing, speaks_ssh
from tests.recorder.ward import Speak, Ward, at_25_fps, camera_that, description, port_that, serving

CODED = encode_video("h264", frames=50, gop=25)
CAMERA = "0190a0b0-0000-7000-8000-000000000001"
A, B = "aa" * 32, "bb" * 32


def test_what_was_seen_first_is_trusted_and_nothing_else(tmp_path: Path) -> None:
    Trust(tmp_path, CAMERA).check("camera:322", A)
    again = Trust(tmp_path, CAMERA)
    again.check("camera:322", A)
    again.check("camera:8322", B)
    with pytest.raises(Error) as caught:
        again.check("camera:322", B)
    assert caught.value.cause == "certificate_changed"
    assert caught.value.hint
    # Another camera has its own.
    Trust(tmp_path, "other").check("camera:322", B)
    assert known(tmp_path, CAMERA) == {"camera:322": A, "camera:8322": B}
    path = path_of(tmp_path, CAMERA)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(item.name for item in path.parent.iterdir()) == [f"{CAMERA}.json", "other.json"]


def test_a_person_forgets(tmp_path: Path) -> None:
    trust = Trust(tmp_path, CAMERA)
    trust.check("camera:322", A)
    assert forget(tmp_path, CAMERA)
    assert not forget(tmp_path, CAMERA)
    trust.check("camera:322", B)
    assert known(tmp_path, CAMERA) == {"camera:322": B}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"certificates": 5}', '{"certificates": null}'])
def test_a_damaged_file_trusts_nobody(tmp_path: Path, text: str) -> None:
    path = path_of(tmp_path, CAMERA)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(Error) as caught:
        Trust(tmp_path, CAMERA).check("camera:322", A)
    assert caught.value.cause == "certificate_changed"
    assert forget(tmp_path, CAMERA)


def test_a_directory_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "trust").write_text("in the way")
    trust = Trust(tmp_path, CAMERA)
    trust.check("camera:322", A)
    trust.check("camera:322", A)
    with pytest.raises(Error) as caught:
        trust.check("camera:322", B)
    assert caught.value.cause == "certificate_changed"


@contextmanager
def not_written(folder: Path) -> Iterator[None]:
    """The file of certificates cannot be written, as on a full disk."""
    path = path_of(folder, CAMERA)
    stop = path.with_name(f"{path.name}.{os.getpid()}.new")
    stop.mkdir(parents=True)
    yield
    stop.rmdir()


def test_what_a_full_disk_did_not_take_is_forgotten_too(tmp_path: Path) -> None:
    both = [Trust(tmp_path, CAMERA) for _ in range(2)]
    with not_written(tmp_path):
        for trust in both:
            trust.check("camera:322", A)
        assert known(tmp_path, CAMERA) == {}
        forget(tmp_path, CAMERA)
        for trust in both:
            trust.check("camera:322", B)
            with pytest.raises(Error):
                trust.check("camera:322", A)


def test_what_a_full_disk_did_not_take_is_written_later(tmp_path: Path) -> None:
    trust = Trust(tmp_path, CAMERA)
    with not_written(tmp_path):
        trust.check("camera:322", A)
        trust.check("camera:8322", B)
    with pytest.raises(Error):
        trust.check("camera:322", B)
    assert known(tmp_path, CAMERA) == {}
    trust.check("camera:322", A)
    assert known(tmp_path, CAMERA) == {"camera:322": A, "camera:8322": B}


@pytest.mark.parametrize("camera", ["", "../x", "a/b", "x" * 65, "a\n"])
def test_an_id_is_no_path(tmp_path: Path, camera: str) -> None:
    with pytest.raises(Error):
        forget(tmp_path, camera)


@asynccontextmanager
async def over_tls(speak: Speak, pem: Path, port: int = 0, oldest: str = "") -> AsyncIterator[int]:
    """A camera that speaks TLS only; `oldest`: the one version that it knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(pem)
    if oldest:
        with warnings.catch_warnings():
            # As old as the cameras are.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, oldest)
    async with serving(
        speak, lambda serve: asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    ) as server:
        yield server.sockets[0].getsockname()[1]


def camera(heard: list[bytes]) -> Speak:
    return camera_that(
        lambda writer, track: at_25_fps(CODED, writer, track, lambda n: b""), description(CODED), heard
    )


def test_a_changed_certificate_stops_recording_until_it_is_trusted(tmp_path: Path) -> None:
    first, second = tmp_path / "first.pem", tmp_path / "second.pem"
    prints = self_signed(first), self_signed(second)
    heard: list[bytes] = []
    ward = Ward(tmp_path / "node")

    async def main() -> None:
        async with over_tls(camera([]), first) as port:
            ward.add("cam", f"rtsps://127.0.0.1:{port}/cam", "admin", "s3cret")
            ward.write()
            async with ward.recording() as ear:
                await ear.recording("cam")
                state = ear.last("cam")
                assert state is not None
                assert (state.transport, state.certificate) == ("tcp+tls", prints[0])
        async with over_tls(camera(heard), second, port), ward.recording() as ear:
            await ear.until(lambda: ear.is_state("cam", "retrying", "certificate_changed"), "it is refused")
            # Not a word was said to the stranger.
            assert heard == []
            assert known(ward.folder, "cam") == {f"127.0.0.1:{port}": prints[0]}
            assert forget(ward.folder, "cam")
            await ear.recording("cam")
            state = ear.last("cam")
            assert state is not None
            assert state.certificate == prints[1]

    asyncio.run(main())
    assert "certificate_changed" in ward.causes("cam")
    assert ward.check() == []
    assert len(json.loads(path_of(ward.folder, "cam").read_text())["certificates"]) == 1


@pytest.mark.parametrize(("speaks", "cause"), [(speaks_ssh, "tls_failed"), (says_nothing, "tls_failed")])
def test_what_speaks_no_tls(speaks: Speak, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luytre.recorder.connection.CONNECT_S", 0.5)

    async def main() -> None:
        async with port_that(speaks) as port:
            await probe(f"rtsps://127.0.0.1:{port}/cam")

    with pytest.raises(Error) as caught:
        asyncio.run(main())
    assert caught.value.cause == cause
    assert "rtsp://" in caught.value.hint


def test_who_hangs_up_in_the_tls_handshake() -> None:
    async def slams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    async def main() -> None:
        async with port_that(slams) as port:
            await probe(f"rtsps://127.0.0.1:{port}/cam")

    with pytest.raises(Error) as caught:
        asyncio.run(main())
    assert caught.value.cause == "tls_failed"


def test_nobody_there_is_no_matter_of_tls() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Error) as caught:
            asyncio.run(probe(f"rtsps://127.0.0.1:{taken.getsockname()[1]}/cam"))
    assert caught.value.cause == "refused"


@pytest.mark.parametrize(("oldest", "bits"), [("TLSv1_2", 2048), ("TLSv1", 1024), ("", 1024)])
def test_old_cameras_and_their_small_keys(tmp_path: Path, oldest: str, bits: int) -> None:
    pem = tmp_path / "camera.pem"
    certificate = self_signed(pem, bits=bits)

    async def main() -> None:
        async with over_tls(camera([]), pem, oldest=oldest) as port:
            found = await probe(f"rtsps://127.0.0.1:{port}/cam", seconds=1.0)
        assert (found.certificate, found.transport) == (certificate, "tcp+tls")
        assert found.video.width == 178

    asyncio.run(main())
