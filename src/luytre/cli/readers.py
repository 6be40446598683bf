"""`luytre reader add`, `list`, `remove`."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from luytre.app.rtsp_port import address, read_state
from luytre.app.store import Store
from luytre.base.clock import rfc3339
from luytre.cli.language import say
from luytre.cli.output import print_json, print_table
from luytre.people.actor import LOCAL
from luytre.people.readers import Reader

ALL_INTERFACES = ("", "0.0.0.0", "::")


def add(name: str, camera: list[str], days: float | None, directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        found = [store.registry.get(code) for code in camera]
        new = store.readers.add(LOCAL, name, [one.id for one in found] or None, days)
        url = _address(store, found[0].code if found else "CODE")
    if as_json:
        print_json(
            {**_as_json(new.reader, [one.code for one in found] or None), "secret": new.secret, "url": url}
        )
        return
    print(say("reader.added", name=new.reader.name))
    print(say("reader.login", user=new.reader.user, secret=new.secret))
    if url is None:
        print(say("reader.off"))
    else:
        print(say("reader.url", url=url))


def show(directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        codes = {camera.id: camera.code for camera in store.registry.list()}
        readers = [(reader, _codes(reader, codes)) for reader in store.readers.list()]
    if as_json:
        print_json([_as_json(reader, cameras) for reader, cameras in readers])
    elif not readers:
        print(say("reader.none"))
    else:
        headings = ("col.name", "col.user", "col.cameras", "col.expires", "col.last_used")
        print_table(
            [say(key) for key in headings],
            [
                [
                    reader.name,
                    reader.user,
                    say("reader.all") if cameras is None else ", ".join(cameras),
                    _time(reader.expires_us),
                    _time(reader.used_us),
                ]
                for reader, cameras in readers
            ],
        )


def remove(name: str, directory: Path) -> None:
    with closing(Store.open(directory)) as store:
        reader = store.readers.revoke(LOCAL, name)
    print(say("reader.removed", name=reader.name))


def _codes(reader: Reader, codes: dict[str, str]) -> list[str] | None:
    """Codes of its cameras, without those that were removed; None for all."""
    if reader.cameras is None:
        return None
    return sorted(codes[camera] for camera in reader.cameras if camera in codes)


def _address(store: Store, code: str) -> str | None:
    """Where it reads, without credentials; None while that is switched off."""
    state = read_state(store.run_folder, store.config)
    host = socket.gethostname() if store.config.host in ALL_INTERFACES else store.config.host
    return address(host, state.port, code) if state.port else None


def _time(at_us: int | None) -> str:
    return "-" if at_us is None else rfc3339(at_us)


def _as_json(reader: Reader, cameras: list[str] | None) -> dict[str, object]:
    return {
        "id": reader.id,
        "name": reader.name,
        "user": reader.user,
        "cameras": cameras,
        "created": rfc3339(reader.created_us),
        "created_by": reader.created_by,
        "expires": None if reader.expires_us is None else rfc3339(reader.expires_us),
        "used": None if reader.used_us is None else rfc3339(reader.used_us),
    }
