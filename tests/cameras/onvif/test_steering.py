"""Turning, setting and asking a camera: what it is sent, and what is made of its answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from lxml import etree

from luytre.base.clock import US_PER_S, to_datetime
from luytre.base.db import Database
from luytre.base.errors import Error
from luytre.base.secrets import Secrets
from luytre.cameras.camera import Access
from luytre.cameras.onvif import camera_clock, imaging, masks, osd, ptz, recordings
from luytre.cameras.onvif.cameras import OnvifCameras
from luytre.cameras.onvif.events import kind_of
from luytre.cameras.onvif.masks import Mask
from luytre.cameras.onvif.osd import Osd
from luytre.cameras.onvif.ptz import Vector
from luytre.cameras.onvif.soap import Device, connect
from luytre.cameras.registry import NewCamera, Registry
from tests.cameras.onvif.soap_camera import PASSWORD, USER, SoapCamera, capabilities

T = TypeVar("T")


def with_device(camera: SoapCamera, work: Callable[[Device], Awaitable[T]]) -> T:
    async def go() -> T:
        async with connect(Access("1", "DK-01", camera.url, USER, PASSWORD)) as device:
            return await work(device)

    return asyncio.run(go())


def with_head(camera: SoapCamera, work: Callable[[ptz.Head], Awaitable[T]]) -> T:
    async def go(device: Device) -> T:
        return await work(await ptz.head(device))

    return with_device(camera, go)


def refused(camera: SoapCamera, work: Callable[..., Awaitable[object]], *given: object) -> str:
    """The cause for which `work` with the device is refused."""
    with pytest.raises(Error) as caught:
        with_device(camera, lambda device: work(device, *given))
    assert caught.value.hint
    return caught.value.cause


@pytest.fixture
def dome() -> SoapCamera:
    empty = ("ContinuousMove", "Stop", "RelativeMove", "AbsoluteMove", "GotoPreset", "RemovePreset")
    answers: dict[str, Any] = {
        name: f"<tptz:{name}Response/>" for name in (*empty, "GotoHomePosition", "OperatePresetTour")
    }
    answers["SetPreset"] = (
        "<tptz:SetPresetResponse><tptz:PresetToken>9</tptz:PresetToken></tptz:SetPresetResponse>"
    )
    answers["GetPresetTours"] = (
        '<tptz:GetPresetToursResponse><tptz:PresetTour token="t1"><tt:Name>Quanh cho</tt:Name><tt:Status><tt:State>Touring'
        "</tt:State></tt:Status><tt:AutoStart>false</tt:AutoStart><tt:StartingCondition/></tptz:PresetTour>"
        "</tptz:GetPresetToursResponse>"
    )
    return SoapCamera("bosch_autodome_5000i", answers=answers)


def test_a_head_turns(dome: SoapCamera) -> None:
    async def work(head: ptz.Head) -> None:
        await head.move(Vector(pan=0.5, tilt=-0.25), 1.5)
        await head.stop()
        await head.step(Vector(zoom=0.1))
        await head.look(Vector(0.1, 0.2, 0.3))
        await head.home()

    with dome:
        with_head(dome, work)
    move = dome.last("ContinuousMove")
    assert move.findtext("{*}ProfileToken") == "0"
    assert dict(move.find("{*}Velocity/{*}PanTilt").attrib) == {"x": "0.5", "y": "-0.25"}
    assert move.find("{*}Velocity/{*}Zoom") is None
    assert move.findtext("{*}Timeout") == "PT2S"
    assert dome.last("Stop").findtext("{*}PanTilt") == "true"
    assert dome.last("RelativeMove").find("{*}Translation/{*}Zoom").get("x") == "0.1"
    assert dome.last("AbsoluteMove").find("{*}Position/{*}Zoom").get("x") == "0.3"
    assert "GotoHomePosition" in dome.operations()


def test_presets_patrols_and_where_it_looks(dome: SoapCamera) -> None:
    async def work(head: ptz.Head) -> tuple[Any, ...]:
        await head.go("2")
        await head.forget("1")
        await head.patrol("t1", start=False)
        return (
            await head.presets(),
            await head.keep(" Cổng chợ "),
            await head.patrols(),
            await head.position(),
        )

    with dome:
        presets, kept, patrols, position = with_head(dome, work)
    assert presets == [ptz.Named("1", "tabletop"), ptz.Named("2", "tabletopzoom54")]
    assert kept == "9"
    assert dome.last("SetPreset").findtext("{*}PresetName") == "Cổng chợ"
    assert patrols == [ptz.Named("t1", "Quanh cho", True)]
    assert position == ptz.Position(1.0, -0.844, 0.006, False)
    assert dome.last("GotoPreset").findtext("{*}PresetToken") == "2"
    assert dome.last("OperatePresetTour").findtext("{*}Operation") == "Stop"


@pytest.mark.parametrize(
    "work",
    [
        lambda head: head.move(Vector(), 1),
        lambda head: head.move(Vector(pan=2), 1),
        lambda head: head.move(Vector(pan=float("nan")), 1),
        lambda head: head.move(Vector(pan=1), 0),
        lambda head: head.move(Vector(pan=1), 11),
        lambda head: head.look(Vector(zoom=-1)),
        lambda head: head.go(""),
        lambda head: head.keep("  "),
    ],
)
def test_moves_that_make_no_sense_are_not_sent(dome: SoapCamera, work: Any) -> None:
    with dome:
        with pytest.raises(Error) as caught:
            with_head(dome, work)
        assert caught.value.cause == "bad_move"
    assert set(dome.operations()) <= {"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetProfiles"}


def test_what_a_camera_cannot_do() -> None:
    with SoapCamera("axis_p3818") as fixed:
        moving: list[Callable[..., Awaitable[object]]] = [ptz.head, masks.read, osd.read]
        assert [refused(fixed, work) for work in moving] == ["not_supported"] * 3
    with SoapCamera(answers={"GetCapabilities": capabilities("Media")}) as bare:
        others: list[Callable[..., Awaitable[object]]] = [imaging.read, recordings.find]
        assert [refused(bare, work) for work in others] == ["not_supported"] * 2


def test_whoever_moves_a_head_need_not_come_back(
    dome: SoapCamera, database: Database, tmp_path: Path
) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    async def work() -> None:
        cameras = OnvifCameras(registry)
        await cameras.move("a", Vector(pan=1), 0.2)
        # The next move takes its place, so there is one stop for both; and nothing is asked for twice.
        await cameras.move("A", Vector(pan=-1), 0.2)
        async with asyncio.timeout(60):
            while "Stop" not in dome.operations():
                await asyncio.sleep(0.02)
        await cameras.stop("A")

    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())
    told = [name for name in dome.operations() if name in ("ContinuousMove", "Stop", "GetCapabilities")]
    assert told == ["GetCapabilities", "ContinuousMove", "ContinuousMove", "Stop", "Stop"]


def test_a_camera_that_changed_is_asked_anew(dome: SoapCamera, database: Database) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    async def work() -> None:
        cameras = OnvifCameras(registry)
        await cameras.stop("A")
        dome.off_s = 3600.0
        with pytest.raises(Error) as caught:
            await cameras.stop("A")
        assert caught.value.cause == "auth_failed"
        await cameras.stop("A")

    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())


def test_a_clock_that_was_set_is_remembered(dome: SoapCamera, database: Database) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    def set_to(asked: Any) -> str:
        dome.off_s = 0.0
        return "<tds:SetSystemDateAndTimeResponse/>"

    async def work() -> None:
        cameras = OnvifCameras(registry)
        async with cameras.device("A") as device:
            await camera_clock.set_to_node(device)
        await cameras.stop("A")

    dome.off_s = 5000.0
    dome.answers |= {"SetSystemDateAndTime": set_to}
    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())
    assert dome.operations().count("GetCapabilities") == 1


def test_a_move_that_fails_leaves_the_stop_of_the_one_before(dome: SoapCamera, database: Database) -> None:
    registry = Registry(database, Secrets(b"k" * 32))

    async def work() -> None:
        cameras = OnvifCameras(registry)
        await cameras.move("A", Vector(pan=1), 0.3)
        with pytest.raises(Error):
            await cameras.move("A", Vector(pan=2), 5.0)
        async with asyncio.timeout(60):
            while "Stop" not in dome.operations():
                await asyncio.sleep(0.02)

    with dome:
        registry.add(NewCamera("A", "", "rtsp://10.0.0.5/", user=USER, password=PASSWORD, onvif=dome.url))
        asyncio.run(work())


def test_the_picture(dome: SoapCamera) -> None:
    settings = {"Brightness": "128", "Contrast": "100"}

    def set_to(asked: Any) -> str:
        for one in asked.find("{*}ImagingSettings"):
            settings[etree.QName(one).localname] = one.text
        return "<timg:SetImagingSettingsResponse/>"

    dome.answers |= {
        "GetOptions": (
            "<timg:GetOptionsResponse><timg:ImagingOptions><tt:Brightness><tt:Min>0</tt:Min><tt:Max>255</tt:Max>"
            "</tt:Brightness><tt:IrCutFilterModes>ON</tt:IrCutFilterModes><tt:IrCutFilterModes>AUTO</tt:IrCutFilterModes>"
            "</timg:ImagingOptions></timg:GetOptionsResponse>"
        ),
        "GetImagingSettings": lambda _: (
            "<timg:GetImagingSettingsResponse><timg:ImagingSettings>"
            + f"<tt:Brightness>{settings['Brightness']}</tt:Brightness><tt:Contrast>{settings['Contrast']}</tt:Contrast>"
            + f"<tt:IrCutFilter>{settings.get('IrCutFilter', 'AUTO')}</tt:IrCutFilter>"
            + "</timg:ImagingSettings></timg:GetImagingSettingsResponse>"
        ),
        "SetImagingSettings": set_to,
    }
    with dome:
        seen = with_device(dome, imaging.read)
        assert seen.levels == (
            imaging.Level("brightness", 128, 0, 255),
            imaging.Level("contrast", 100, None, None),
        )
        assert seen.choices == (imaging.Choice("ir_cut", "AUTO", ("ON", "AUTO")),)
        after = with_device(dome, lambda device: imaging.write(device, {"brightness": 200.0, "ir_cut": "ON"}))
        assert [one.value for one in after.levels] == [200, 100]
        assert [one.value for one in after.choices] == ["ON"]
        wrongs: list[dict[str, float | str]] = [{"brightness": 256.0}, {"ir_cut": "OFF"}, {"sharpness": 1.0}]
        for wrong in wrongs:
            assert refused(dome, imaging.write, wrong) == "bad_imaging"
    assert dome.operations().count("SetImagingSettings") == 1


@pytest.mark.parametrize("folder", ["axis_p3818", "bosch_autodome_5000i", "reolink_trackmix"])
def test_the_picture_of_real_cameras_without_options(folder: str) -> None:
    with SoapCamera(folder) as camera:
        seen = with_device(camera, imaging.read)
    assert {"brightness", "contrast"} <= {one.name for one in seen.levels}


def test_setting_a_clock(dome: SoapCamera) -> None:
    def set_to(asked: Any) -> str:
        dome.off_s = 0.0
        return "<tds:SetSystemDateAndTimeResponse/>"

    dome.off_s = 5000.0
    dome.answers |= {"SetSystemDateAndTime": set_to, "SetNTP": "<tds:SetNTPResponse/>"}

    async def work(device: Device) -> tuple[int | None, int | None]:
        before = device.offset_us
        await camera_clock.set_to_node(device)
        after = device.offset_us
        await camera_clock.follow_ntp(device, "ntp.ward.vn")
        return before, after

    with dome:
        before, after = with_device(dome, work)
        assert refused(dome, camera_clock.follow_ntp, "a b") == "bad_ntp"
    assert before is not None
    assert after is not None
    assert abs(before / US_PER_S - 5000) < 5
    assert abs(after / US_PER_S) < 5
    told = [one for name, one in dome.asked if name == "SetSystemDateAndTime"]
    assert [one.findtext("{*}DateTimeType") for one in told] == ["Manual", "NTP"]
    assert told[0].findtext("{*}TimeZone/{*}TZ") == "ICT-7"
    assert dome.last("SetNTP").findtext("{*}NTPManual/{*}DNSname") == "ntp.ward.vn"


def test_texts_in_the_picture(dome: SoapCamera) -> None:
    def one(token: str, kind: str, words: str) -> str:
        return (
            f'<trt:OSDs token="{token}"><tt:VideoSourceConfigurationToken>1</tt:VideoSourceConfigurationToken>'
            "<tt:Type>Text</tt:Type><tt:Position><tt:Type>UpperLeft</tt:Type></tt:Position><tt:TextString>"
            f"<tt:Type>{kind}</tt:Type>{words}</tt:TextString></trt:OSDs>"
        )

    plain = "<tt:PlainText>Cổng chợ</tt:PlainText>"
    dome.answers |= {
        "GetOSDs": f"<trt:GetOSDsResponse>{one('a', 'Plain', plain)}{one('b', 'DateAndTime', '')}</trt:GetOSDsResponse>",
        "SetOSD": "<trt:SetOSDResponse/>",
        "DeleteOSD": "<trt:DeleteOSDResponse/>",
        "CreateOSD": "<trt:CreateOSDResponse><trt:OSDToken>c</trt:OSDToken></trt:CreateOSDResponse>",
    }
    wanted = [
        Osd("a", "Plain", "Bến xe", "LowerLeft"),
        Osd(None, "Plain", "Mới", "UpperRight"),
        Osd("b", "Plain", "", "UpperLeft"),
    ]
    with dome:
        seen = with_device(dome, osd.read)
        with_device(dome, lambda device: osd.write(device, wanted))
        wrong = [Osd("zz", "Plain", "x", "UpperLeft")]
        assert refused(dome, osd.write, wrong) == "bad_osd"
    assert seen == [Osd("a", "Plain", "Cổng chợ", "UpperLeft"), Osd("b", "DateAndTime", "", "UpperLeft")]
    changed = dome.last("SetOSD").find("{*}OSD")
    assert changed.get("token") == "a"
    assert changed.findtext("{*}TextString/{*}PlainText") == "Bến xe"
    assert changed.findtext("{*}Position/{*}Type") == "LowerLeft"
    assert dome.last("CreateOSD").findtext("{*}OSD/{*}VideoSourceConfigurationToken") == "1"
    assert dome.last("DeleteOSD").findtext("{*}OSDToken") == "b"


MEDIA2 = (
    "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver20/media/wsdl</tds:Namespace>"
    "<tds:XAddr>http://192.0.2.17/onvif/media2</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor>"
    "</tds:Version></tds:Service><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace>"
    "<tds:XAddr>http://192.0.2.17/onvif/media</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor>"
    "</tds:Version></tds:Service></tds:GetServicesResponse>"
)


def test_masks(dome: SoapCamera) -> None:
    dome.answers |= {
        "GetServices": MEDIA2,
        "GetMasks": (
            '<tr2:GetMasksResponse><tr2:Masks token="m1"><tr2:ConfigurationToken>1</tr2:ConfigurationToken><tr2:Polygon>'
            '<tt:Point x="-1" y="1"/><tt:Point x="0" y="1"/><tt:Point x="0" y="0"/></tr2:Polygon><tr2:Type>Color</tr2:Type>'
            '<tr2:Enabled>true</tr2:Enabled></tr2:Masks><tr2:Masks token="m2"><tr2:Polygon><tt:Point x="q" y="0"/>'
            '</tr2:Polygon></tr2:Masks><tr2:Masks token="m3"><tr2:Polygon><tt:Point x="1" y="-1"/><tt:Point x="1" y="0"/>'
            '<tt:Point x="0" y="0"/></tr2:Polygon><tr2:Enabled>false</tr2:Enabled></tr2:Masks></tr2:GetMasksResponse>'
        ),
        "CreateMask": "<tr2:CreateMaskResponse><tr2:Token>m4</tr2:Token></tr2:CreateMaskResponse>",
        "SetMask": "<tr2:SetMaskResponse/>",
        "DeleteMask": "<tr2:DeleteMaskResponse/>",
    }
    corner = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    with dome:
        seen = with_device(dome, masks.read)
        wanted = [Mask("m1", corner, False), Mask(None, ((0, 0), (1, 0), (1, 1), (0, 1)))]
        with_device(dome, lambda device: masks.write(device, wanted))
        for wrong in (Mask(None, corner[:2]), Mask("zz", corner), Mask(None, ((2.0, 0), (0, 0), (1, 1)))):
            assert refused(dome, masks.write, [wrong]) == "bad_mask"
    assert seen == [Mask("m1", corner), Mask("m3", ((1.0, 1.0), (1.0, 0.5), (0.5, 0.5)), False)]
    assert dome.last("DeleteMask").findtext("{*}Token") == "m3"
    assert dome.last("SetMask").findtext("{*}Mask/{*}Enabled") == "false"
    made = dome.last("CreateMask").find("{*}Mask")
    assert made.findtext("{*}ConfigurationToken") == "1"
    assert [(p.get("x"), p.get("y")) for p in made.iter("{*}Point")][:2] == [
        ("-1.0000", "1.0000"),
        ("1.0000", "1.0000"),
    ]


def test_what_it_has_on_its_card() -> None:
    rounds = iter(["Searching", "Completed"])
    began = to_datetime(1_790_000_000 * US_PER_S) + timedelta(hours=1)

    def results(_: Any) -> str:
        return (
            f"<tse:GetRecordingSearchResultsResponse><tse:ResultList><tt:SearchState>{next(rounds)}</tt:SearchState>"
            "<tt:RecordingInformation><tt:RecordingToken>r1</tt:RecordingToken><tt:Source><tt:SourceId>s</tt:SourceId>"
            "<tt:Name>Lens</tt:Name><tt:Location/><tt:Description/><tt:Address/></tt:Source>"
            f"<tt:EarliestRecording>{began:%Y-%m-%dT%H:%M:%SZ}</tt:EarliestRecording><tt:Content>x</tt:Content>"
            "<tt:RecordingStatus>Recording</tt:RecordingStatus></tt:RecordingInformation></tse:ResultList>"
            "</tse:GetRecordingSearchResultsResponse>"
        )

    answers: dict[str, Any] = {
        "FindRecordings": "<tse:FindRecordingsResponse><tse:SearchToken>q</tse:SearchToken></tse:FindRecordingsResponse>",
        "GetRecordingSearchResults": results,
        "EndSearch": "<tse:EndSearchResponse><tse:Endpoint>2026-11-22T07:00:00Z</tse:Endpoint></tse:EndSearchResponse>",
    }
    # Its clock is an hour ahead: what it recorded "at one" was at midnight.
    with SoapCamera("axis_p3818", answers=answers, off_s=3600.0) as camera:
        (one,) = with_device(camera, recordings.find)
    assert (one.token, one.source, one.end_us) == ("r1", "Lens", None)
    assert one.start_us is not None
    assert abs(one.start_us - 1_790_000_000 * US_PER_S) < 5 * US_PER_S
    assert "EndSearch" in camera.operations()


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("tns1:RuleEngine/CellMotionDetector/Motion", "motion"),
        ("tns1:VideoSource/MotionAlarm", "motion"),
        ("tns1:RuleEngine/tnsaxis:VMD3/vmd3_video_1/tnsaxis:Motion", "motion"),
        ("tns1:RuleEngine/FieldDetector/ObjectsInside", "motion"),
        ("tns1:VideoSource/GlobalSceneChange/ImagingService", "tamper"),
        ("tns1:VideoSource/ImageTooDark/AnalyticsService", "tamper"),
        ("tns1:RuleEngine/TamperDetector/Tamper", "tamper"),
        ("tns1:Device/Trigger/DigitalInput", "input"),
        ("tns1:Device/tnsaxis:IO/VirtualPort", "input"),
        ("tns1:Device/Trigger/Relay", None),
        ("tns1:Monitoring/OperatingTime/LastReboot", None),
        ("", None),
    ],
)
def test_topics_of_all_makers(topic: str, kind: str | None) -> None:
    assert kind_of(topic) == kind


def test_no_password_in_the_most_talkative_log(dome: SoapCamera, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), dome:
        with_head(dome, lambda head: head.presets())
    assert "UsernameToken" in caplog.text
    assert PASSWORD not in caplog.text
