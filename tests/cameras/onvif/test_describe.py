"""What cameras say of themselves, and what is made of those that say it wrongly."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from luytre.base.errors import Error
from luytre.cameras.camera import Access, Identity
from luytre.cameras.onvif.description import Description, describe
from luytre.cameras.onvif.soap import Device, connect
from luytre.cameras.onvif.streams import Profile, reachable, views
from tests.cameras.onvif.soap_camera import ENVELOPE, PASSWORD, USER, SoapCamera

T = TypeVar("T")


def asked(camera: SoapCamera, work: Callable[[Device], Awaitable[T]], password: str = PASSWORD) -> T:
    """`work` with a connection to the camera."""

    async def go() -> T:
        async with connect(Access("1", "DK-01", camera.url, USER, password)) as device:
            return await work(device)

    return asyncio.run(go())


def told(folder: str, **how: Any) -> Description:
    with SoapCamera(folder, **how) as camera:
        return asked(camera, describe)


def test_axis() -> None:
    seen = told("axis_p3818", guards_clock=False)
    assert seen.identity == Identity("AXIS", "P3818-PVE", "11.9.60", "ACCC8E000000", "7DB")
    (view,) = seen.views
    assert (view.main.codec, view.main.width, view.main.height, view.main.fps) == ("h264", 1920, 960, 30)
    # Captured: BitrateLimit 2147483647 means none; the other profile is JPEG, so there is no sub.
    assert (view.main.bitrate_bps, view.sub) == (None, None)
    assert [one.codec for one in seen.profiles] == ["h264", "mjpeg"]
    # Captured from 192.0.2.17, reached at 127.0.0.1: another network's address.
    assert view.main.url == (
        "rtsp://127.0.0.1/onvif-media/media.amp?profile=profile_1_h264&sessiontimeout=60&streamtype=unicast"
    )
    assert set(seen.abilities) == {"analytics", "events", "imaging", "media", "recording", "replay", "search"}


def test_bosch() -> None:
    seen = told("bosch_autodome_5000i")
    assert seen.identity.model == "AUTODOME IP starlight 5000i"
    assert [(one.codec, one.width, one.ptz) for one in seen.profiles][:2] == [
        ("h264", 1536, True),
        ("h264", seen.profiles[1].width, True),
    ]
    assert seen.views[0].main.url == "rtsp://127.0.0.1/rtsp_tunnel?p=0&h26x=4&vcd=2"
    assert "ptz" in seen.abilities


def test_reolink_with_two_lenses_that_say_they_are_one() -> None:
    seen = told("reolink_trackmix")
    (view,) = seen.views
    assert (view.main.width, view.main.height, view.main.audio) == (3840, 2160, "AAC")
    assert view.sub is not None
    assert (view.sub.token, view.sub.width, view.sub.url) == (
        "001",
        896,
        "rtsp://127.0.0.1:554/Preview_01_sub",
    )


@pytest.mark.parametrize("off_s", [0.0, 7 * 3600.0, -40 * 86400.0])
def test_a_login_holds_however_wrong_the_clock_is(off_s: float) -> None:
    with SoapCamera("bosch_autodome_5000i", off_s=off_s) as camera:
        seen = asked(camera, describe)
    assert seen.clock_offset_us is not None
    assert abs(seen.clock_offset_us / 1e6 - off_s) < 5
    assert seen.identity.manufacturer == "Bosch"


def test_a_camera_that_guards_even_its_clock() -> None:
    with SoapCamera("axis_p3818", guards_clock=True) as camera:
        assert asked(camera, describe).identity.manufacturer == "AXIS"


def test_a_camera_that_knows_http_digest_only() -> None:
    with SoapCamera("axis_p3818", http_digest=True, off_s=-9000.0) as camera:
        assert asked(camera, describe).identity.manufacturer == "AXIS"
        assert fails(camera, "wrong").cause == "auth_failed"


def test_media2_tells_of_h265() -> None:
    profiles = "".join(
        f'<tr2:Profiles token="{token}"><tr2:Name>{token}</tr2:Name><tr2:Configurations>'
        '<tr2:VideoSource token="v"><tt:SourceToken>s0</tt:SourceToken></tr2:VideoSource>'
        f'<tr2:VideoEncoder token="e"><tt:Encoding>H265</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>'
        f"<tt:Height>{height}</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit>"
        "<tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl></tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>"
        for token, width, height in (("sub", 640, 360), ("main", 2688, 1520), ("tiny", 64, 48))
    )
    services = "".join(
        f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>http://192.0.2.17/onvif/{name}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
        for name, namespace in (
            ("media2", "http://www.onvif.org/ver20/media/wsdl"),
            ("media", "http://www.onvif.org/ver10/media/wsdl"),
        )
    )
    answers: dict[str, Any] = {
        "GetServices": f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>",
        "GetProfiles": f"<tr2:GetProfilesResponse>{profiles}</tr2:GetProfilesResponse>",
        "GetStreamUri": lambda asked: (
            f"<tr2:GetStreamUriResponse><tr2:Uri>rtsp://{USER}:{PASSWORD}@127.0.0.1/"
            + asked.findtext("{*}ProfileToken")
            + "</tr2:Uri></tr2:GetStreamUriResponse>"
        ),
    }
    seen = told("", answers=answers)
    (view,) = seen.views
    assert (view.main.codec, view.main.width, view.main.bitrate_bps) == ("h265", 2688, 4_096_000)
    # Too small is no sub; and addresses come without the credentials that some cameras put into them.
    assert view.sub is not None
    assert (view.main.url, view.sub.url) == ("rtsp://127.0.0.1/main", "rtsp://127.0.0.1/sub")


def fails(camera: SoapCamera, password: str = PASSWORD) -> Error:
    with pytest.raises(Error) as caught:
        asked(camera, describe, password)
    assert PASSWORD not in str(caught.value) + repr(caught.value.__cause__)
    assert caught.value.hint
    return caught.value


def test_a_wrong_password() -> None:
    with SoapCamera("bosch_autodome_5000i") as camera:
        assert fails(camera, "wrong").cause == "auth_failed"


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>Hi</html>", "not_onvif"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "not_onvif"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "not_onvif"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "not_onvif"),
        (b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "auth_failed"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello", "not_onvif"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not_onvif"),
        (b"", "closed_by_camera"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (5 << 20), "not_onvif"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<s:Env", "not_onvif"),
    ],
)
def test_what_answers_is_no_camera(raw: bytes, cause: str) -> None:
    with SoapCamera(raw=raw) as camera:
        assert fails(camera).cause == cause


@pytest.mark.parametrize("status", [b"302 Found", b"307 Temporary Redirect", b"308 Permanent Redirect"])
def test_a_camera_sends_nobody_to_another_host(status: bytes) -> None:
    with SoapCamera("bosch_autodome_5000i") as other:
        elsewhere = f"http://localhost:{other.port}/onvif/device_service".encode()
        raw = b"HTTP/1.1 %s\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
        with SoapCamera(raw=raw % (status, elsewhere)) as camera:
            assert fails(camera).cause == "not_onvif"
        assert other.asked == []
        # To another port of its own, it may.
        with SoapCamera(raw=raw % (b"307 x", other.url.encode())) as camera:
            assert asked(camera, describe).identity.manufacturer == "Bosch"


@pytest.mark.parametrize(
    ("service", "operation", "length", "cause"),
    [
        ("devicemgmt", "GetDeviceInformation", 600 << 10, ""),
        ("devicemgmt", "GetDeviceInformation", 1 << 20, "not_onvif"),
        ("pullpoint", "PullMessages", 400 << 10, ""),
        ("pullpoint", "PullMessages", 600 << 10, "not_onvif"),
    ],
)
def test_answers_are_read_up_to_a_limit(service: str, operation: str, length: int, cause: str) -> None:
    answers = {
        "GetDeviceInformation": f"<tds:GetDeviceInformationResponse>{' ' * length}</tds:GetDeviceInformationResponse>",
        "PullMessages": "<tev:PullMessagesResponse><tev:CurrentTime>2026-01-01T00:00:00Z</tev:CurrentTime>"
        f"<tev:TerminationTime>2026-01-01T00:01:00Z</tev:TerminationTime>{' ' * length}</tev:PullMessagesResponse>",
    }
    arguments = {"Timeout": "PT1S", "MessageLimit": 1} if service == "pullpoint" else {}
    with SoapCamera("axis_p3818") as camera:

        async def call(device: Device) -> str:
            camera.answers.update(answers)
            try:
                await device.call(service, operation, arguments, at=camera.url)
            except Error as error:
                return error.cause
            return ""

        assert asked(camera, call) == cause


def test_a_played_camera_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    body = ENVELOPE.format(body="<tds:GetSystemDateAndTime/>").encode()
    with SoapCamera() as camera:
        line = socket.create_connection(("127.0.0.1", camera.port))
        line.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert line.recv(15) == b"HTTP/1.1 200 X\r"
    # It ended while somebody was still connected.
    line.close()
    assert caplog.records == []


def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert fails(SoapCamera(port=unused.getsockname()[1])).cause == "refused"


def test_a_camera_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luytre.cameras.onvif.soap.CALL_S", 0.3)
    monkeypatch.setattr(Device.call, "__kwdefaults__", {**(Device.call.__kwdefaults__ or {}), "limit_s": 0.3})
    with SoapCamera("axis_p3818", silent={"GetProfiles"}) as camera:
        assert fails(camera).cause == "timeout"


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetDeviceInformation", "<tds:GetDeviceInformationResponse/>"),
        ("GetDeviceInformation", "<tds:Something/>"),
        ("GetStreamUri", "<trt:GetStreamUriResponse/>"),
        ("GetSnapshotUri", "<trt:GetSnapshotUriResponse><trt:MediaUri/></trt:GetSnapshotUriResponse>"),
        ("GetProfiles", "<trt:GetProfilesResponse/>"),
        (
            "GetServices",
            "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace>"
            "<tds:XAddr>http://[::1</tds:XAddr></tds:Service></tds:GetServicesResponse>",
        ),
        (
            "GetProfiles",
            '<trt:GetProfilesResponse><trt:Profiles token="000"><tt:VideoEncoderConfiguration token="0"><tt:Encoding>H266'
            "</tt:Encoding><tt:Resolution><tt:Width>-4</tt:Width><tt:Height>many</tt:Height></tt:Resolution>"
            "</tt:VideoEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>",
        ),
    ],
)
def test_broken_answers_cost_what_they_would_have_told(operation: str, answer: str) -> None:
    seen = told("reolink_trackmix", answers={operation: answer})
    assert seen.abilities
    if operation == "GetDeviceInformation":
        assert seen.identity == Identity()
        assert seen.views
    else:
        assert bool(seen.views) == (operation in ("GetSnapshotUri", "GetServices"))


def profile(token: str, width: int, height: int, codec: str = "h264", source: str = "a") -> Profile:
    return Profile(token, token, source, codec, width, height, 25.0, None, None, False, f"rtsp://h/{token}")


def test_each_lens_of_a_recorder_has_its_own_view() -> None:
    found = [
        profile("a-sub", 640, 360),
        profile("a-main", 1920, 1080, "h265"),
        profile("b-main", 1280, 720, source="b"),
        profile("b-jpeg", 3840, 2160, "mjpeg", source="b"),
        profile("c-jpeg", 3840, 2160, "mjpeg", source="c"),
    ]
    assert [(one.source, one.main.token, one.sub and one.sub.token) for one in views(found)] == [
        ("a", "a-main", "a-sub"),
        ("b", "b-main", None),
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://10.0.0.5/x", "rtsp://10.0.0.5/x"),
        ("rtsp://192.168.1.64:8554/x?y=1", "rtsp://10.0.0.5:8554/x?y=1"),
        ("rtsp://0.0.0.0/x", "rtsp://10.0.0.5/x"),
        ("rtsp://[fe80::1]:554/x", "rtsp://10.0.0.5:554/x"),
        ("rtsp://camera.invalid/x", "rtsp://10.0.0.5/x"),
        ("http://10.0.0.5/x", None),
        ("javascript:alert(1)", None),
        ("rtsp://[::1", None),
        (None, None),
    ],
)
def test_addresses_that_the_camera_gives(url: str | None, expected: str | None) -> None:
    assert asyncio.run(reachable(url, "10.0.0.5", ("rtsp", "rtsps"))) == expected
