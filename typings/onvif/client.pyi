"""What this project uses of onvif-zeep-async, which has no types of its own."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import ClientSession
from lxml.etree import _Element

_WSDL_PATH: str

class UsernameDigestTokenDtDiff:
    created: datetime | None
    def __init__(
        self, user: str, passw: str, dt_diff: timedelta | None = ..., *, use_digest: bool = ...
    ) -> None: ...
    def apply(self, envelope: _Element, headers: dict[str, str]) -> tuple[_Element, dict[str, str]]: ...

class AsyncTransportProtocolErrorHandler:
    def __init__(self, session: ClientSession, verify_ssl: bool = ...) -> None: ...
    async def post_xml(self, address: str, envelope: _Element, headers: dict[str, str]) -> Any: ...

class ZeepAsyncClient:
    def __init__(
        self,
        *,
        wsdl: Any,
        wsse: UsernameDigestTokenDtDiff | None,
        transport: AsyncTransportProtocolErrorHandler,
        settings: Any,
        plugins: Iterable[Any],
    ) -> None: ...
    def create_service(self, binding_name: str, address: str) -> Any: ...

async def _cached_document(url: str) -> Any: ...
