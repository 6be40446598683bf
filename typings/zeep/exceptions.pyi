from typing import Any

class Error(Exception):
    message: str

class Fault(Error):
    code: str | None
    subcodes: list[Any] | None

class TransportError(Error):
    status_code: int
