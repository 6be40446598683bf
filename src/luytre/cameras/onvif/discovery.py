"""Finding ONVIF cameras on the node's networks: WS-Discovery 1.0 (ONVIF Core, 7), multicast over IPv4 and IPv6.

Promises   returns after the seconds asked for (and one or two to clean up), with what answered by then; each device once,
           by its endpoint reference; what answers nonsense is left out; no thread or socket stays behind.
Does not   find cameras behind a router: multicast ends there. Speak to what it finds: anybody can answer a probe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from wsdiscovery import QName
from wsdiscovery.discovery import ThreadedWSDiscovery

from luytre.base import log
from luytre.base.errors import Error, Kind

LONGEST_S: Final = 30.0
# More are no ward, and would fill the memory of who asks.
MOST: Final = 2000
_SCOPE: Final = "onvif://www.onvif.org/"
# ONVIF Core, 7.3.1: some answer only when they are asked for this; others have it in a namespace of their own, and answer
# when they are asked for anything.
_VIDEO: Final = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
_log = log.get("onvif")
# Two searches at a time would bind one port twice.
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class Found:
    """One device as it answered. `addresses` of its device service; what it did not tell is ""."""

    endpoint: str
    addresses: tuple[str, ...]
    scopes: tuple[str, ...]
    name: str = ""
    hardware: str = ""
    location: str = ""

    @property
    def places(self) -> frozenset[str]:
        return frozenset(place for one in self.addresses if (place := place_of(one)))

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(host for one in self.addresses if (host := host_of(one)))


async def discover(seconds: float) -> list[Found]:
    """What answers within `seconds` (at most LONGEST_S), by address. Raises Error(CONFLICT, cause="discovering") while
    another search runs, Error(UNAVAILABLE, cause="no_multicast") where the machine has no network to ask on.
    """
    return await asyncio.to_thread(_search, max(0.1, min(seconds, LONGEST_S)))


def found(matches: Iterable[tuple[str, Iterable[str], Iterable[str]]]) -> list[Found]:
    """Answers of (endpoint reference, addresses, scopes), each device once, by address."""
    known: dict[str, Found] = {}
    for endpoint, addresses, scopes in matches:
        usable = tuple(dict.fromkeys(one for one in addresses if host_of(one)))
        key = endpoint.strip().lower() or (usable[0] if usable else "")
        if not usable or len(known) >= MOST:
            continue
        before = known.get(key)
        known[key] = _made(
            endpoint.strip(),
            tuple(dict.fromkeys((*before.addresses, *usable))) if before else usable,
            tuple(dict.fromkeys((*(before.scopes if before else ()), *(scope[:400] for scope in scopes)))),
        )
    return sorted(known.values(), key=lambda one: one.addresses)


def host_of(url: str) -> str:
    """The host of an http address, without brackets, in small letters; "" where there is none."""
    try:
        parts = urlsplit(url.strip())
        return (parts.hostname or "") if parts.scheme in ("http", "https") and len(url) < 2000 else ""
    except ValueError:
        return ""


def place_of(url: str) -> str:
    """`host:port` of an http address: behind one NAT address there may be many cameras."""
    host = host_of(url)
    try:
        parts = urlsplit(url.strip())
        return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}" if host else ""
    except ValueError:
        return ""


def _made(endpoint: str, addresses: tuple[str, ...], scopes: tuple[str, ...]) -> Found:
    told: dict[str, str] = {}
    for scope in scopes:
        if scope.lower().startswith(_SCOPE):
            kind, _, value = scope[len(_SCOPE) :].partition("/")
            told.setdefault(kind.lower(), " ".join(unquote(value).replace("/", " ").split())[:120])
    return Found(
        endpoint[:200],
        addresses[:16],
        scopes[:64],
        told.get("name", ""),
        told.get("hardware", ""),
        told.get("location", ""),
    )


class _Search(ThreadedWSDiscovery):
    """The library's search, whose thread must outlive what strangers send."""

    def envReceived(self, env: Any, addr: Any) -> None:
        # Any message may be malformed in its own way, and an exception would end the library's only receiving thread.
        try:
            super().envReceived(env, addr)
        except Exception as error:
            _log.debug("odd discovery message", source=str(addr[:1]), error=type(error).__name__)

    def quit(self) -> None:
        """Stop whatever has been started; a start that failed half way left some threads."""
        for name in ("_networkingThread_v4", "_networkingThread_v6"):
            thread, monitor = (
                getattr(self, name),
                getattr(self, name.replace("networking", "addrsMonitor"), None),
            )
            for one in (thread, monitor):
                if one is not None:
                    one.schedule_stop()
        with suppress(AttributeError, KeyError, OSError, AssertionError):
            self.stop()


def _search(seconds: float) -> list[Found]:
    if not _one_at_a_time.acquire(blocking=False):
        raise Error(
            Kind.CONFLICT,
            "the node is searching for cameras already",
            hint="Wait half a minute and look again.",
            cause="discovering",
        )
    search = _Search()
    try:
        search.start()
        search._sendProbe([_VIDEO])
        services = search.searchServices(types=None, timeout=seconds)
        return found(
            (
                str(one.getEPR() or ""),
                # getXAddrs() would fill in templates, which only a publisher has.
                [str(address) for address in one._xAddrs or []],
                [str(scope.getValue()) for scope in one.getScopes() or []],
            )
            for one in services
            if _is_camera(one)
        )
    except OSError as error:
        raise Error(
            Kind.UNAVAILABLE,
            f"no search on the network: {error.strerror or error}",
            hint="Check that the node is in the cameras' network, and that no other program holds UDP port 3702.",
            cause="no_multicast",
        ) from error
    finally:
        search.quit()
        _one_at_a_time.release()


def _is_camera(service: Any) -> bool:
    """By its types, or by its scopes where they are ONVIF's: some send types in a namespace of their own."""
    types = {str(one.getLocalname()) for one in service.getTypes() or []}
    scopes = [str(one.getValue()).lower() for one in service.getScopes() or []]
    return "NetworkVideoTransmitter" in types or any(scope.startswith(_SCOPE) for scope in scopes)
