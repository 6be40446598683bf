"""Ids that are unique over all nodes: UUID version 7 (RFC 9562 section 5.7), sortable by the time of making."""

from __future__ import annotations

import os
import uuid

from luytre.base.clock import SYSTEM, Clock


def uuid7(clock: Clock = SYSTEM) -> uuid.UUID:
    """48 bits of milliseconds, then 74 random bits."""
    millis = clock.wall_us() // 1000
    random = int.from_bytes(os.urandom(10), "big")
    value = (millis & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
