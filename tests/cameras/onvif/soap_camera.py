"""A camera's ONVIF side, played by a small server: answers captured from real ones, or written by a test.

Promises   checks the WS-UsernameToken digest and its time against a clock of its own; keeps what it was asked; may be told
           to fail in any way.
Does not   validate what it is asked beyond what a test looks at.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from lxml import etree

from luytre.base.clock import SYSTEM, to_datetime

BESTIARY = Path(__file__).resolve().parents[2] / "bestiary" / "onvif"
# What the captured answers say their address is: nobody's (RFC 5737).
CAPTURED_HOST = "192.0.2.17"
USER, PASSWORD = "truc", "tre-Lang-7"
# How far a token's time may be from the camera's own.
SLACK = timedelta(seconds=5)
_NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "trc": "http://www.onvif.org/ver10/recording/wsdl",
    "tse": "http://www.onvif.org/ver10/search/wsdl",
    "ter": "http://www.onvif.org/ver10/error",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "tns1": "http://www.onvif.org/ver10/topics",
}
CHALLENGE = (
    b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="cam", nonce="n1", qop="auth"\r\n'
    b"Content-Length: 0\r\n\r\n"
)
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
ENVELOPE = f"<s:Envelope {_DECLARED}><s:Header/><s:Body>{{body}}</s:Body></s:Envelope>"

Element = Any
Answer = str | Callable[[Element], str]


@dataclass
class SoapCamera:
    """`with SoapCamera(...) as camera:`, then `camera.url`.

    folder   of captured answers, below tests/bestiary/onvif
    answers  by operation: XML for the body, in front of the captured ones
    faults   by operation: the subcode of a fault, e.g. "ter:NotAuthorized"
    off_s    its clock minus ours
    http_digest  it wants HTTP digest, and knows no other login
    raw      sent instead of any answer
    holds    an answer waits for this event, when there is one
    """

    folder: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    user: str = USER
    password: str = PASSWORD
    off_s: float = 0.0
    guards_clock: bool = False
    http_digest: bool = False
    raw: bytes | None = None
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, Element]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/onvif/device_service"

    def operations(self) -> list[str]:
        return [name for name, _ in self.asked]

    def last(self, operation: str) -> Element:
        """What it was asked last, of an operation."""
        return next(element for name, element in reversed(self.asked) if name == operation)

    def report(
        self, topic: str, data: dict[str, str], operation: str = "Changed", off_s: float = 0.0
    ) -> None:
        """Something happens in front of it."""
        at = self._now() + timedelta(seconds=off_s)
        items = "".join(f'<tt:SimpleItem Name="{name}" Value="{value}"/>' for name, value in data.items())
        message = (
            "<wsnt:NotificationMessage>"
            '<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f"{topic}</wsnt:Topic><wsnt:Message>"
            f'<tt:Message UtcTime="{at:%Y-%m-%dT%H:%M:%S.%fZ}" PropertyOperation="{operation}"><tt:Source>'
            '<tt:SimpleItem Name="VideoSourceToken" Value="0"/></tt:Source>'
            f"<tt:Data>{items}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
        )

        def put() -> None:
            self.messages.append(message)
            self._told.set()

        self._loop.call_soon_threadsafe(put)

    def _now(self) -> datetime:
        return to_datetime(SYSTEM.wall_us()) + timedelta(seconds=self.off_s)

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._told = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Cancelled: the camera ends. What is awaited no more need not be told (Python 3.11 would log it).
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        length = next((int(value) for name, value in fields.items() if name.lower() == "content-length"), 0)
        body = await reader.readexactly(length)
        if self.raw is not None:
            writer.write(self.raw)
            await writer.drain()
            return False
        envelope = etree.fromstring(body)
        element = next(iter(envelope.findall("{*}Body/*")))
        operation = etree.QName(element).localname
        self.asked.append((operation, element))
        if operation in self.silent:
            await self._stop.wait()
        if self.http_digest and not self._knows_digest(fields.get("Authorization", "")):
            writer.write(CHALLENGE)
            await writer.drain()
            return True
        status, text = await self._answer(operation, element, envelope)
        data = ENVELOPE.format(body=text).encode()
        kind = "Content-Type: application/soap+xml; charset=utf-8"
        writer.write(f"HTTP/1.1 {status} X\r\n{kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        return True

    async def _answer(self, operation: str, element: Element, envelope: Element) -> tuple[int, str]:
        open_to_all = operation == "GetSystemDateAndTime" and not self.guards_clock
        open_to_all = open_to_all or self.http_digest
        if not open_to_all and not self._may(envelope):
            return 400, fault("ter:NotAuthorized", "Sender not Authorized")
        if operation in self.faults:
            return 400, fault(self.faults[operation], "refused")
        written = self.answers.get(operation)
        if written is not None:
            return 200, written if isinstance(written, str) else written(element)
        played = getattr(self, f"_play_{operation}", None)
        if played is not None:
            return 200, await played(element)
        captured = self._captured(operation, element)
        if captured is None:
            return 400, fault("ter:ActionNotSupported", "not implemented")
        return 200, captured

    def _captured(self, operation: str, element: Element) -> str | None:
        token = element.findtext("{*}ProfileToken")
        for name in (f"{operation}.{token}", operation):
            path = BESTIARY / self.folder / f"{name}.xml"
            if self.folder and path.is_file():
                return path.read_text(encoding="utf-8")
        return None

    def _may(self, envelope: Element) -> bool:
        """WS-UsernameToken profile 1.0: Base64(SHA-1(nonce + created + password))."""
        if not self.user:
            return True
        token = envelope.find(".//{*}UsernameToken")
        if token is None:
            return False
        user, created = token.findtext("{*}Username"), token.findtext("{*}Created")
        nonce = base64.b64decode(token.findtext("{*}Nonce"))
        digest = base64.b64encode(
            hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()
        ).decode()
        self.logins.append(created)
        near = abs(datetime.fromisoformat(created) - self._now()) < SLACK
        return near and user == self.user and hmac.compare_digest(digest, token.findtext("{*}Password"))

    def _knows_digest(self, sent: str) -> bool:
        """RFC 7616, quality of protection "auth", MD5 as cameras have it."""
        told = dict(re.findall(r'(\w+)="?([^",]*)"?', sent))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        if told.get("username") != self.user:
            return False
        who, what = md5(f"{self.user}:cam:{self.password}"), md5(f"POST:{told['uri']}")
        proof = md5(f"{who}:{told['nonce']}:{told['nc']}:{told['cnonce']}:auth:{what}")
        return hmac.compare_digest(proof, told["response"])

    async def _play_GetSystemDateAndTime(self, _: Element) -> str:
        now = self._now()
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>ICT-7</tt:TZ></tt:TimeZone><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
            f"</tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
            "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    async def _play_CreatePullPointSubscription(self, _: Element) -> str:
        now = self._now()
        return (
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
            f"<wsa:Address>http://{CAPTURED_HOST}/onvif/subscription/1</wsa:Address>"
            '<wsa:ReferenceParameters><x:SubscriptionId xmlns:x="urn:maker">7</x:SubscriptionId></wsa:ReferenceParameters>'
            f"</tev:SubscriptionReference><wsnt:CurrentTime>{now:%Y-%m-%dT%H:%M:%SZ}</wsnt:CurrentTime>"
            f"<wsnt:TerminationTime>{now + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}</wsnt:TerminationTime>"
            "</tev:CreatePullPointSubscriptionResponse>"
        )

    async def _play_PullMessages(self, asked: Element) -> str:
        if not self.messages:
            self._told.clear()
            stopped = asyncio.create_task(self._stop.wait())
            told = asyncio.create_task(self._told.wait())
            longest_s = float(asked.findtext("{*}Timeout").removeprefix("PT").removesuffix("S"))
            await asyncio.wait({stopped, told}, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            told.cancel()
        sent, self.messages[:] = "".join(self.messages), []
        now = self._now()
        return (
            f"<tev:PullMessagesResponse><tev:CurrentTime>{now:%Y-%m-%dT%H:%M:%SZ}</tev:CurrentTime>"
            f"<tev:TerminationTime>{now + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}</tev:TerminationTime>"
            f"{sent}</tev:PullMessagesResponse>"
        )

    async def _play_Unsubscribe(self, _: Element) -> str:
        return "<wsnt:UnsubscribeResponse/>"


def fault(subcode: str, reason: str) -> str:
    return (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
    )


def capabilities(*names: str) -> str:
    """An answer to GetCapabilities: the services of these names (Media, PTZ, Imaging, Events)."""
    services = "".join(
        f"<tt:{name}><tt:XAddr>http://{CAPTURED_HOST}/onvif/{name.lower()}</tt:XAddr></tt:{name}>"
        for name in names
    )
    return f"<tds:GetCapabilitiesResponse><tds:Capabilities>{services}</tds:Capabilities></tds:GetCapabilitiesResponse>"
