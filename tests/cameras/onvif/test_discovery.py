"""Finding cameras: what strangers answer, and a real search in a network of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

from luytre.base.errors import Error
from luytre.cameras.onvif import discovery
from luytre.cameras.onvif.discovery import Found, discover, found

SCOPES = [
    "onvif://www.onvif.org/type/video_encoder",
    "onvif://www.onvif.org/name/C%E1%BB%95ng%20ch%E1%BB%A3",
    "onvif://www.onvif.org/hardware/IPC-HFW2431",
    "onvif://www.onvif.org/location/country/vietnam",
    "odm:something",
]


def test_what_a_device_tells_of_itself() -> None:
    (one,) = found([("urn:uuid:1", ["http://10.0.0.5/onvif/device_service"], SCOPES)])
    assert (one.name, one.hardware, one.location) == ("Cổng chợ", "IPC-HFW2431", "country vietnam")
    assert one.hosts == {"10.0.0.5"}


def test_each_device_once() -> None:
    addresses = ["http://10.0.0.5/onvif/device_service", "http://[fe80::5]/onvif/device_service"]
    (one,) = found([("urn:uuid:A", addresses[:1], []), ("URN:UUID:a ", addresses, SCOPES)])
    assert (one.addresses, one.name) == (tuple(addresses), "Cổng chợ")
    assert one.hosts == {"10.0.0.5", "fe80::5"}


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        [""],
        ["javascript:x"],
        ["http://"],
        ["http://[::1"],
        ["rtsp://10.0.0.5/"],
        ["http://" + "a" * 5000],
    ],
)
def test_what_is_no_address_is_left_out(addresses: list[str]) -> None:
    assert found([("urn:uuid:1", addresses, SCOPES)]) == []


def test_a_flood_of_answers_is_bounded() -> None:
    many = found((str(n), [f"http://10.0.{n // 256}.{n % 256}/"], ["x" * 9999] * 99) for n in range(5000))
    assert len(many) == discovery.MOST
    assert sum(len(scope) for scope in many[0].scopes) <= 400 * 64


IN_A_NETWORK = """
ip link set lo up multicast on
ip addr add 10.9.0.1/24 dev lo
ip -6 addr add fd00:9::1/64 dev lo nodad
ip route add 224.0.0.0/4 dev lo
exec "$@"
"""
SEARCH = """
import asyncio, json, sys, threading
from dataclasses import asdict
from wsdiscovery import QName, Scope
from wsdiscovery.publishing import ThreadedWSPublishing
from luytre.cameras.onvif.discovery import discover
DN = "http://www.onvif.org/ver10/network/wsdl"
published = []
for number in (1, 2):
    one = ThreadedWSPublishing()
    one.start()
    scopes = [Scope(f"onvif://www.onvif.org/name/Camera{number}"), Scope("onvif://www.onvif.org/hardware/X1")]
    one.publishService([QName(DN, "NetworkVideoTransmitter")], scopes, [f"http://10.9.0.{number}/onvif/device_service"])
    published.append(one)
printer = ThreadedWSPublishing()
printer.start()
printer.publishService([QName("urn:printers", "Printer")], [], ["http://10.9.0.9/print"])
before = threading.active_count()
answers = asyncio.run(discover(3.0))
print(json.dumps([[asdict(one) for one in answers], threading.active_count() - before]))
for one in (*published, printer):
    one.stop()
"""


@pytest.mark.root
def test_a_search_in_a_network_of_its_own() -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("NOT ROOT, or no unshare and ip: the search was not tried on a network")
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("NO NETWORK NAMESPACES here: the search was not tried on a network")
    command = ["unshare", "-n", "sh", "-ec", IN_A_NETWORK, "sh", sys.executable, "-c", SEARCH]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answers, more_threads = json.loads(done.stdout.splitlines()[-1])
    assert [(one["name"], one["hardware"], one["addresses"]) for one in answers] == [
        (f"Camera{number}", "X1", [f"http://10.9.0.{number}/onvif/device_service"]) for number in (1, 2)
    ]
    # The event loop's own worker, which ran the search, may still be there.
    assert more_threads <= 1


def test_two_searches_at_a_time_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, done = threading.Event(), threading.Event()

    class Slow:
        def start(self) -> None:
            inside.set()
            assert done.wait(20)
            raise OSError(98, "Address already in use")

        def quit(self) -> None: ...

    monkeypatch.setattr(discovery, "_Search", Slow)

    async def both() -> tuple[list[Found] | BaseException, ...]:
        first = asyncio.create_task(discover(1.0))
        await asyncio.to_thread(inside.wait, 20)
        second = await asyncio.gather(discover(1.0), return_exceptions=True)
        done.set()
        return (*await asyncio.gather(first, return_exceptions=True), *second)

    first, second = asyncio.run(both())
    assert isinstance(first, Error)
    assert isinstance(second, Error)
    assert (first.cause, second.cause) == ("no_multicast", "discovering")
