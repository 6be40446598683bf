"""`luytre onvif discover`, `describe`, `luytre camera clock`, `ptz`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from luytre.app.store import Store
from luytre.base.clock import US_PER_S
from luytre.cameras.camera import Access
from luytre.cameras.credentials import stranger
from luytre.cameras.onvif import camera_clock, discovery, ptz
from luytre.cameras.onvif.description import describe as description_of
from luytre.cameras.onvif.soap import Device, connect
from luytre.cameras.onvif.streams import Profile
from luytre.cameras.reasons import WEAK_PASSWORD
from luytre.cameras.weak_passwords import is_weak
from luytre.cli.language import language, say
from luytre.cli.output import number, password_from_stdin, print_json, print_pairs, print_table

Answer = TypeVar("Answer")


def discover(seconds: float, as_json: bool) -> None:
    found = asyncio.run(discovery.discover(seconds))
    if as_json:
        print_json([asdict(one) for one in found])
    elif not found:
        print(say("onvif.none"))
    else:
        headings = [say(f"col.{name}") for name in ("address", "name", "hardware", "location")]
        print_table(headings, [[one.addresses[0], one.name, one.hardware, one.location] for one in found])


def describe(address: str, user_name: str | None, password_stdin: bool, as_json: bool) -> None:
    access = stranger(address, user_name, password_from_stdin() if password_stdin else None)
    told = _with(access, description_of)
    weak = is_weak(access.user, access.password, "")
    if as_json:
        print_json({**asdict(told), "weak_password": weak})
        return
    who = told.identity
    made = " ".join(one for one in (who.manufacturer, who.model, who.firmware) if one)
    pairs = [(say("probe.server"), made), (say("probe.clock"), _offset(told.clock_offset_us))]
    for view in told.views:
        pairs.append((say("onvif.main"), _profile(view.main)))
        if view.sub is not None:
            pairs.append((say("onvif.sub"), _profile(view.sub)))
    print_pairs([*pairs, (say("onvif.abilities"), ", ".join(told.abilities))])
    if weak:
        print(say("hint", hint=WEAK_PASSWORD[language()].hint))


def clock(code: str, set_it: bool, ntp: str | None, directory: Path, as_json: bool) -> None:
    async def work(device: Device) -> int | None:
        if ntp is not None:
            await camera_clock.follow_ntp(device, ntp)
        elif set_it:
            await camera_clock.set_to_node(device)
        return device.offset_us

    offset_us = _at(code, directory, work)
    if as_json:
        print_json({"code": code, "offset_s": None if offset_us is None else offset_us / US_PER_S})
    else:
        print_pairs([(say("probe.clock"), _offset(offset_us))])


def presets(code: str, directory: Path, as_json: bool) -> None:
    found = _turning(code, directory, lambda head: head.presets())
    if as_json:
        print_json([{"token": one.token, "name": one.name} for one in found])
    else:
        print_table([say("col.preset"), say("col.name")], [[one.token, one.name] for one in found])


def preset(code: str, preset: str, directory: Path, as_json: bool) -> None:
    _turning(code, directory, lambda head: head.go(preset))
    _told(code, as_json)


def stop(code: str, directory: Path, as_json: bool) -> None:
    _turning(code, directory, lambda head: head.stop())
    _told(code, as_json)


def _told(code: str, as_json: bool) -> None:
    if as_json:
        print_json({"code": code})
    else:
        print(say("ptz.told", code=code))


def _turning(code: str, directory: Path, work: Callable[[ptz.Head], Awaitable[Answer]]) -> Answer:
    async def with_head(device: Device) -> Answer:
        return await work(await ptz.head(device))

    return _at(code, directory, with_head)


def _at(code: str, directory: Path, work: Callable[[Device], Awaitable[Answer]]) -> Answer:
    """`work` with a registered camera."""
    with closing(Store.open(directory)) as store:
        return _with(store.registry.access(code), work)


def _with(access: Access, work: Callable[[Device], Awaitable[Answer]]) -> Answer:
    async def go() -> Answer:
        async with connect(access) as device:
            return await work(device)

    return asyncio.run(go())


def _offset(offset_us: int | None) -> str:
    if offset_us is None:
        return say("probe.clock_unknown")
    return say("onvif.clock_off", seconds=number(offset_us / US_PER_S, 1))


def _profile(one: Profile) -> str:
    return f"{one.codec} {one.width}x{one.height}  {one.url}"
