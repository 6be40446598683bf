"""What makers call the things that happen in front of a camera, and how often they are asked."""

from __future__ import annotations

import pytest

from luytre.cameras.onvif.events import BREATH_S, NOTHING_S, kind_of, rest_s


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


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("took_s", [0.0, 0.1, 3.0, 40.0])
def test_between_two_pulls_the_others_have_their_turn(took_s: float, told: bool) -> None:
    assert rest_s(took_s, told) >= BREATH_S


def test_a_camera_that_answers_nothing_at_once_is_not_asked_without_an_end() -> None:
    assert rest_s(0.0, told=False) == NOTHING_S
    assert rest_s(20.0, told=False) == BREATH_S
