"""What makers call the things that happen in front of a camera."""

from __future__ import annotations

import pytest

from luytre.cameras.onvif.events import kind_of


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
