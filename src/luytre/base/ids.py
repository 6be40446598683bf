"""Ids that are unique over all nodes: UUID version 7 (RFC 9562 section 5.7), sortable by the time of making; and short
names of keys.
"""

from __future__ import annotations

import os
import uuid
from hashlib import sha256

from luytre.base.clock import SYSTEM, Clock


def uuid7(clock: Clock = SYSTEM) -> uuid.UUID:
    """48 bits of milliseconds, then 74 random bits."""
    millis = clock.wall_us() // 1000
    random = int.from_bytes(os.urandom(10), "big")
    value = (millis & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def fingerprint(public_key: bytes) -> str:
    """A key's name for people to compare: the first 16 hex digits of its SHA-256."""
    return sha256(public_key).hexdigest()[:16]
