"""Cameras that are played."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cameras.onvif.soap_camera import SoapCamera


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
