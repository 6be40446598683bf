"""A camera with ONVIF for the browser: a captured one's answers, a simulated camera's pictures, presets that stay."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from tests.cameras.onvif.soap_camera import SoapCamera

# What the vendor ships it with: the page must say so.
USER, PASSWORD = "admin", "admin"
CLOCK_OFF_S = 90.0


@contextmanager
def simulated() -> Iterator[dict[str, str]]:
    """Addresses of one camera's streams: {"main": ..., "sub": ...}."""
    command = [sys.executable, "-m", "luytre.cli", "sim", "--port", "0", "--auth", "digest", "--user", USER]
    process = subprocess.Popen(
        [*command, "--password-stdin", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(PASSWORD + "\n")
    process.stdin.close()
    try:
        line = process.stdout.readline()
        assert line, f"the simulator ended with {process.wait(10)}"
        streams: dict[str, str] = json.loads(line)["streams" if "streams" in line else "cameras"][0]
        yield streams
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def dome(streams: dict[str, str]) -> SoapCamera:
    """Not yet running: `with dome(...) as camera:`. Profile 0 is main, 1 is sub."""
    presets = {"1": "Cổng chợ", "2": "Bến xe"}

    def stream_uri(asked: Any) -> str:
        url = streams["main" if asked.findtext("{*}ProfileToken") == "0" else "sub"]
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{escape(url)}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
            "<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
        )

    def listed(_: Any) -> str:
        each = "".join(
            f'<tptz:Preset token="{token}"><tt:Name>{escape(name)}</tt:Name></tptz:Preset>'
            for token, name in presets.items()
        )
        return f"<tptz:GetPresetsResponse>{each}</tptz:GetPresetsResponse>"

    def kept(asked: Any) -> str:
        token = str(len(presets) + 1)
        presets[token] = asked.findtext("{*}PresetName")
        return (
            f"<tptz:SetPresetResponse><tptz:PresetToken>{token}</tptz:PresetToken></tptz:SetPresetResponse>"
        )

    camera = SoapCamera("bosch_autodome_5000i", user=USER, password=PASSWORD, off_s=CLOCK_OFF_S)

    def on_time(_: Any) -> str:
        camera.off_s = 0.0
        return "<tds:SetSystemDateAndTimeResponse/>"

    camera.answers = {
        "GetStreamUri": stream_uri,
        "GetPresets": listed,
        "SetPreset": kept,
        "SetSystemDateAndTime": on_time,
        "SetImagingSettings": "<timg:SetImagingSettingsResponse/>",
        **{
            name: f"<tptz:{name}Response/>"
            for name in ("ContinuousMove", "Stop", "GotoPreset", "RemovePreset")
        },
    }
    return camera
