"""One camera's ONVIF services: calls with its clock's time, answers as plain dictionaries.

Promises   each call ends within its limit and either answers or raises Error with a cause of ours; an answer is read up
           to LONGEST bytes and may have any shape; services are asked at the host where the camera was reached, whatever
           addresses it gives itself (NAT, several interfaces) or wants to send us to; no password is sent in the clear or
           logged.
Does not   know what the answers mean.

Proof of who we are goes both ways: WS-UsernameToken with a digest (ONVIF Core, 5.9.4), whose time must be near the camera's,
and HTTP digest for those that ask for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from lxml import etree
from onvif.client import (
    _WSDL_PATH,
    AsyncTransportProtocolErrorHandler,
    UsernameDigestTokenDtDiff,
    ZeepAsyncClient,
    _cached_document,
)
from onvif.definition import SERVICES
from onvif.settings import DEFAULT_SETTINGS
from onvif.util import create_no_verify_ssl_context
from onvif.wsa import WsAddressingIfMissingPlugin
from yarl import URL
from zeep.helpers import serialize_object

from luytre.base.clock import SYSTEM, US_PER_S, Clock, to_datetime, to_us
from luytre.base.errors import Error
from luytre.cameras.camera import Access
from luytre.cameras.onvif import refusals

CALL_S: Final = 10.0
# Reading XML holds up everything else: an NVR of 64 channels may describe them, events come in small numbers.
LONGEST: Final = 1 << 20
LONGEST_PULL: Final = 512 << 10
DEVICE: Final = "devicemgmt"
# A camera that is seconds off is not asked to accept a time that is seconds off in the other direction.
_DIGEST_SLACK_US: Final = US_PER_S
_SHAPE_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)


# Of the call that waits for an answer.
_longest: ContextVar[int] = ContextVar("longest", default=LONGEST)


class _Bounded(aiohttp.ClientResponse):
    """An answer without an end must not fill the memory."""

    async def read(self) -> bytes:
        if self._body is None:
            body = bytearray()
            try:
                async for piece in self.content.iter_chunked(1 << 16):
                    body += piece
                    if len(body) > _longest.get():
                        raise aiohttp.ClientPayloadError("the answer is too long")
            except BaseException:
                # As aiohttp's own does: a connection in the middle of an answer is of no use to anybody.
                self.close()
                raise
            self._body = bytes(body)
        return await super().read()


class _Token(UsernameDigestTokenDtDiff):
    """Proof of who we are, with the time that the camera's own clock shows."""

    def __init__(self, device: Device) -> None:
        super().__init__(device.access.user, device.access.password, use_digest=True)
        self._device = device

    def apply(
        self, envelope: etree._Element, headers: dict[str, str]
    ) -> tuple[etree._Element, dict[str, str]]:
        offset_us = self._device.offset_us or 0
        if abs(offset_us) <= _DIGEST_SLACK_US:
            offset_us = 0
        self.created = to_datetime(self._device.clock.wall_us() + offset_us).replace(tzinfo=None)
        return super().apply(envelope, headers)


@dataclass(frozen=True, slots=True)
class Known:
    """What a camera told before: its clock minus the node's, addresses of its services and of Media2."""

    offset_us: int | None
    services: dict[str, str]
    media2: str


class Device:
    """A connection to one camera; made by `connect`.

    offset_us  its clock minus the node's; None when it does not tell
    services   what it has: name of the service (as in onvif.definition) -> address
    """

    def __init__(self, access: Access, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.access = access
        self.clock = clock
        self.offset_us: int | None = None
        self.services: dict[str, str] = {DEVICE: access.url}
        self.media2 = ""
        self._session = session
        self._transport = AsyncTransportProtocolErrorHandler(session, verify_ssl=False)
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def host(self) -> str:
        return urlsplit(self.access.url).hostname or ""

    @property
    def known(self) -> Known:
        return Known(self.offset_us, dict(self.services), self.media2)

    def has(self, service: str) -> bool:
        return service in self.services

    def here(self, url: str) -> str:
        """An address that the camera gave of one of its services, at the host where we reached it; "" for what is none."""
        try:
            given, ours = urlsplit(url.strip()), urlsplit(self.access.url)
        except ValueError:
            return ""
        if given.hostname == ours.hostname and given.scheme in ("http", "https"):
            return url.strip()
        return urlunsplit((ours.scheme, ours.netloc, given.path, given.query, ""))

    async def call(
        self,
        service: str,
        operation: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        at: str = "",
        login: bool = True,
        limit_s: float = CALL_S,
    ) -> Any:
        """One call, its answer as dictionaries, lists and plain values. `at`: of a subscription, else the service's address.

        Raises Error: cause "not_supported" without the service, and what `refusals` make of failures.
        """
        address = at or self.services.get(service)
        if address is None:
            raise refusals.not_supported(service)
        with refusals.of_ours(self.access.code or self.host, operation):
            async with asyncio.timeout(limit_s):
                _longest.set(LONGEST_PULL if service == "pullpoint" else LONGEST)
                client = await self._client(service, address, login)
                try:
                    answer = await getattr(client, operation)(**(arguments or {}))
                    return serialize_object(answer, dict)
                except _SHAPE_ERRORS as error:
                    # Of the reader of answers: what it cannot make sense of is no answer.
                    raise refusals.no_onvif(f"{operation}: {type(error).__name__}") from error

    async def raw(self, address: str, body: etree._Element) -> etree._Element:
        """A call without WSDL: the element for the body -> the element that answers it. Raises as `call`."""
        soap = "http://www.w3.org/2003/05/soap-envelope"
        envelope = etree.Element(f"{{{soap}}}Envelope", nsmap={"s": soap})
        etree.SubElement(envelope, f"{{{soap}}}Header")
        etree.SubElement(envelope, f"{{{soap}}}Body").append(body)
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        if self.access.user:
            envelope, headers = _Token(self).apply(envelope, headers)
        with refusals.of_ours(self.access.code or self.host, etree.QName(body).localname):
            async with asyncio.timeout(CALL_S):
                _longest.set(LONGEST)
                response = await self._transport.post_xml(address, envelope, headers)
                if response.status_code in (401, 403):
                    raise refusals.wrong_password()
                parser = etree.XMLParser(resolve_entities=False, no_network=True)
                root = etree.fromstring(response.content, parser)
        answered = next(iter(root.findall(f"{{{soap}}}Body/*")), None)
        if answered is None:
            raise refusals.no_onvif("an empty answer")
        if etree.QName(answered).localname == "Fault":
            raise refusals.of_fault(" ".join(answered.itertext()))
        return answered

    async def read_clock(self) -> None:
        """Its clock, which it tells everybody (ONVIF Core, 8.3.2): without it no login holds."""
        asked_us = self.clock.wall_us()
        try:
            answer = await self.call(DEVICE, "GetSystemDateAndTime", login=False)
        except Error as error:
            if error.cause != "auth_failed":
                raise
            # Axis wants a login even for this; it also takes HTTP digest, which knows no time.
            answer = await self.call(DEVICE, "GetSystemDateAndTime")
        told_us = moment_us(answer)
        if told_us is not None:
            # It is told in whole seconds, on average half a second ago; and on the way for half of the time it took.
            middle_us = (asked_us + self.clock.wall_us()) // 2
            self.offset_us = told_us + US_PER_S // 2 - middle_us
        self._clients.clear()

    async def find_services(self) -> None:
        """Which services it has: GetServices, and GetCapabilities of older ones."""
        try:
            for one in await self.call(DEVICE, "GetServices", {"IncludeCapability": False}) or []:
                self._note(dig(one, "Namespace"), dig(one, "XAddr"))
        except Error as error:
            if error.cause not in ("onvif_fault", "not_supported", "not_onvif"):
                raise
        if len(self.services) == 1:
            capabilities = await self.call(DEVICE, "GetCapabilities", {"Category": "All"})
            told = dict(capabilities) if isinstance(capabilities, dict) else {}
            below = dig(told, "Extension")
            told.update(below if isinstance(below, dict) else {})
            addresses = {name: dig(one, "XAddr") for name, one in told.items()}
            # What stands below the extension is handed on as it came.
            for one in many(dig(below, "_value_1")):
                if isinstance(one, etree._Element):
                    addresses[etree.QName(one).localname] = one.findtext("{*}XAddr")
            for name, address in addresses.items():
                known = SERVICES.get(name.lower())
                if known is not None:
                    self._note(known["ns"], address)

    def _note(self, namespace: object, address: object) -> None:
        if not isinstance(namespace, str) or not isinstance(address, str) or not address.strip():
            return
        here, namespace = self.here(address), namespace.rstrip("/")
        if here and namespace == "http://www.onvif.org/ver20/media/wsdl":
            self.media2 = here
        for name, known in SERVICES.items():
            if here and known["ns"] == namespace and name != DEVICE:
                self.services[name] = here

    async def _client(self, service: str, address: str, login: bool) -> Any:
        key = (service if login else f"{service} without login", address)
        if key not in self._clients:
            known = SERVICES[service]
            document = await _cached_document(f"{_WSDL_PATH}/{known['wsdl']}")
            client = ZeepAsyncClient(
                wsdl=document,
                wsse=_Token(self) if login and self.access.user else None,
                transport=self._transport,
                settings=DEFAULT_SETTINGS,
                plugins=[WsAddressingIfMissingPlugin()],
            )
            self._clients[key] = client.create_service(f"{{{known['ns']}}}{known['binding']}", address)
        return self._clients[key]


@asynccontextmanager
async def connect(access: Access, clock: Clock = SYSTEM, known: Known | None = None) -> AsyncIterator[Device]:
    """A camera whose clock and services are known: asked for, if they are not handed in.

    Raises Error: cause "host_down", "refused", "timeout", "tls_failed", "auth_failed", "not_onvif", "onvif_fault".
    """
    digest = (aiohttp.DigestAuthMiddleware(access.user, access.password),) if access.user else ()

    async def only_there(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """A redirect would carry question and login to whomever the camera names."""
        if request.url.raw_host != URL(access.url).raw_host:
            raise aiohttp.InvalidUrlRedirectClientError(request.url)
        return await handler(request)

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=create_no_verify_ssl_context(), limit=4),
        response_class=_Bounded,
        middlewares=(only_there, *digest),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5.0),
        trust_env=False,
    ) as session:
        device = Device(access, session, clock)
        if known is None:
            await device.read_clock()
            await device.find_services()
        else:
            device.offset_us, device.services, device.media2 = (
                known.offset_us,
                dict(known.services),
                known.media2,
            )
        yield device


def dig(value: Any, *path: str | int) -> Any:
    """What is below `path` in dictionaries and lists; None where there is no such thing."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def text(value: Any, longest: int = 200) -> str | None:
    """A text as it may be kept: one line, not too long; None for nothing."""
    if value is None or isinstance(value, dict | list):
        return None
    return " ".join(str(value).split())[:longest] or None


def many(value: Any) -> list[Any]:
    """A list, also of what should be one and is alone, or is missing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def moment_us(answer: Any) -> int | None:
    """The UTC of an answer to GetSystemDateAndTime; None where it is missing or no time."""
    date, time = dig(answer, "UTCDateTime", "Date"), dig(answer, "UTCDateTime", "Time")
    try:
        year, month, day = (int(dig(date, one)) for one in ("Year", "Month", "Day"))
        hour, minute, second = (int(dig(time, one)) for one in ("Hour", "Minute", "Second"))
        # A leap second is the 60th.
        return to_us(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        return None
