"""RTCP: sender and receiver reports, source descriptions, goodbyes, in compound packets (RFC 3550 section 6).

Promises   parse() of any bytes gives the reports before the first broken one; it never raises.
Does not   compute intervals or jitter; application packets and feedback (RFC 4585) are skipped.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SR, RR, SDES, BYE = 200, 201, 202, 203
_BLOCK = struct.Struct(">IIIIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """Reception of one source: `fraction_lost` in 1/256, `lost` signed 24 bits, `jitter` in ticks."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_seq: int
    jitter: int
    last_sr: int
    delay_since_sr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """`ntp` (64 bits, seconds since 1900 in 32.32) and `rtp_time` are the same moment on two clocks."""

    ssrc: int
    ntp: int
    rtp_time: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """One chunk's canonical name."""

    ssrc: int
    cname: str


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]
    reason: str = ""


Report = SenderReport | ReceiverReport | SourceDescription | Bye


def build(*reports: Report) -> bytes:
    """One compound packet, in the given order (section 6.1 wants SR or RR first)."""
    return b"".join(_build(report) for report in reports)


def _build(report: Report) -> bytes:
    if isinstance(report, SenderReport):
        body = struct.pack(
            ">IQIII",
            report.ssrc,
            report.ntp & 0xFFFF_FFFF_FFFF_FFFF,
            report.rtp_time & 0xFFFF_FFFF,
            report.packets & 0xFFFF_FFFF,
            report.octets & 0xFFFF_FFFF,
        )
        return _packet(SR, len(report.blocks), body + b"".join(map(_build_block, report.blocks)))
    if isinstance(report, ReceiverReport):
        body = struct.pack(">I", report.ssrc) + b"".join(map(_build_block, report.blocks))
        return _packet(RR, len(report.blocks), body)
    if isinstance(report, SourceDescription):
        name = report.cname.encode()[:255]
        item = struct.pack(">IBB", report.ssrc, 1, len(name)) + name
        # Items end with a zero, then zeros up to the next word (section 6.5).
        return _packet(SDES, 1, item + bytes(4 - len(item) % 4))
    reason = report.reason.encode()[:255]
    body = struct.pack(f">{len(report.ssrcs)}I", *report.ssrcs)
    if reason:
        body += bytes((len(reason),)) + reason
        body += bytes(-len(body) % 4)
    return _packet(BYE, len(report.ssrcs), body)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    if count > 31:
        raise ValueError("an RTCP packet holds at most 31 reports or sources")
    return struct.pack(">BBH", 2 << 6 | count, kind, len(body) // 4) + body


def _build_block(block: ReportBlock) -> bytes:
    lost = block.fraction_lost << 24 | block.lost & 0xFF_FFFF
    return _BLOCK.pack(block.ssrc, lost, block.highest_seq, block.jitter, block.last_sr, block.delay_since_sr)


def parse(data: bytes | bytearray | memoryview) -> list[Report]:
    """The reports of a compound packet; unknown kinds are skipped, a broken one ends the list."""
    view = memoryview(data)
    reports: list[Report] = []
    while len(view) >= 4:
        first, kind, words = struct.unpack_from(">BBH", view)
        end = 4 + 4 * words
        if first >> 6 != 2 or len(view) < end:
            break
        body = view[4:end]
        if first & 0x20 and len(body):
            body = body[: max(0, len(body) - body[-1])]
        try:
            reports += _parse(kind, first & 0x1F, body)
        except (struct.error, IndexError):
            break
        view = view[end:]
    return reports


def _parse(kind: int, count: int, body: memoryview) -> list[Report]:
    if kind == SR:
        ssrc, ntp, rtp_time, packets, octets = struct.unpack_from(">IQIII", body)
        return [SenderReport(ssrc, ntp, rtp_time, packets, octets, _parse_blocks(body[24:], count))]
    if kind == RR:
        (ssrc,) = struct.unpack_from(">I", body)
        return [ReceiverReport(ssrc, _parse_blocks(body[4:], count))]
    if kind == SDES:
        return _parse_descriptions(body, count)
    if kind == BYE:
        ssrcs = struct.unpack_from(f">{count}I", body)
        tail = bytes(body[4 * count :])
        return [Bye(ssrcs, tail[1 : 1 + tail[0]].decode("utf-8", "replace") if tail else "")]
    return []


def _parse_blocks(body: memoryview, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, lost, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, index * _BLOCK.size)
        signed = (lost & 0xFF_FFFF ^ 0x80_0000) - 0x80_0000
        blocks.append(ReportBlock(ssrc, lost >> 24, signed, highest, jitter, last_sr, delay))
    return tuple(blocks)


def _parse_descriptions(body: memoryview, count: int) -> list[Report]:
    found: list[Report] = []
    position = 0
    for _ in range(count):
        (ssrc,) = struct.unpack_from(">I", body, position)
        position += 4
        cname = ""
        while body[position]:
            kind, length = body[position], body[position + 1]
            if kind == 1:
                cname = bytes(body[position + 2 : position + 2 + length]).decode("utf-8", "replace")
            position += 2 + length
        position += 4 - position % 4
        found.append(SourceDescription(ssrc, cname))
    return found
