"""Setting and asking a camera: what it is sent, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from luytre.base.clock import US_PER_S, to_datetime
from luytre.cameras.onvif import camera_clock, imaging, masks, osd, ptz, recordings
from luytre.cameras.onvif.masks import Mask
from luytre.cameras.onvif.osd import Osd
from luytre.cameras.onvif.soap import Device
from tests.cameras.onvif.asking import refused, with_device
from tests.cameras.onvif.soap_camera import SoapCamera, capabilities


def test_what_a_camera_cannot_do() -> None:
    with SoapCamera("axis_p3818") as fixed:
        moving: list[Callable[..., Awaitable[object]]] = [ptz.head, masks.read, osd.read]
        assert [refused(fixed, work) for work in moving] == ["not_supported"] * 3
    with SoapCamera(answers={"GetCapabilities": capabilities("Media")}) as bare:
        others: list[Callable[..., Awaitable[object]]] = [imaging.read, recordings.find]
        assert [refused(bare, work) for work in others] == ["not_supported"] * 2


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
