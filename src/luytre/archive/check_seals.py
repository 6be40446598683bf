"""What is wrong with a volume's seals, and which heads they vouch for (invariant 12).

Does not   look whether those heads are still there: that takes the chains (check_chain.py).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from luytre.archive import seals
from luytre.archive.certificates import NONE_BEFORE, Newest
from luytre.archive.chain import HASH_BYTES
from luytre.archive.findings import SEALED, Finding
from luytre.archive.index import Index
from luytre.archive.keys import StreamKey
from luytre.archive.seals import Seal
from luytre.archive.volume import Volume
from luytre.base.clock import to_datetime
from luytre.base.ids import fingerprint

# An hour is promised where something moved (seals.EVERY_US).
LATE_US = 2 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class Trust:
    """verify    (public key, signature, data) -> whether it is its signature; without it no signature is looked at
    key       the only public key that is trusted; None: whichever signed, its name is noted
    expected  the newest seal as the node remembers it
    """

    verify: Callable[[bytes, bytes, bytes], bool] | None = None
    key: bytes | None = None
    expected: Newest | None = None


@dataclass(slots=True)
class SealedHeads:
    """Of one stream: links, 32 bytes each, and the ends of the segments they belong to."""

    links: bytearray = field(default_factory=bytearray)
    ends_us: array[int] = field(default_factory=lambda: array("q"))

    def add(self, link: bytes, end_us: int) -> None:
        self.links += link
        self.ends_us.append(end_us)

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        for number, end_us in enumerate(self.ends_us):
            yield bytes(self.links[number * HASH_BYTES : (number + 1) * HASH_BYTES]), end_us


class SealCheck:
    """Reads all seals once. `heads`: what they vouch for, by stream; `journal`: hashes (hex) of lines of the certificates'
    journal, by number.
    """

    def __init__(self, volume: Volume, trust: Trust) -> None:
        self._volume, self._trust = volume, trust
        self.heads: dict[StreamKey, SealedHeads] = {}
        self.journal: dict[int, str] = {}
        self._newest_us: int | None = None
        # Keys (hex) and the first and last line each signed.
        self._keys: dict[str, tuple[str, str]] = {}

    def findings(self) -> list[Finding]:
        found = []
        before, seq = NONE_BEFORE, 0
        expected = self._trust.expected
        remembered = expected is None
        for line in seals.lines(self._volume):
            seq += 1
            where = line.where
            if line.seal is None:
                found.append(_error(where, "cannot be read"))
            else:
                found += [_error(where, text) for text in self._line(line.seal, before, seq)]
                seq = line.seal.seq
                first, _ = self._keys.get(line.seal.public_key, (where, where))
                self._keys[line.seal.public_key] = (first, where)
            before = sha256(line.data).hexdigest()
            remembered = remembered or expected == Newest(seq, before)
        if not remembered and expected is not None:
            text = f"the node remembers seal {expected.seq}, which is not here as it was: lines were taken out or changed"
            found.append(_error(seals.FOLDER, text))
        return [*found, *self._signers()]

    def _line(self, seal: Seal, before: str, seq: int) -> Iterator[str]:
        when = f"sealed {to_datetime(seal.at_us):%Y-%m-%d %H:%M:%S} UTC"
        if seal.before != before or seal.seq != seq:
            yield f"{when}: does not follow the line before it; lines were taken out or changed"
        if seal.volume != self._volume.id:
            yield f"{when}: is of volume {seal.volume}"
        verify = self._trust.verify
        key, signature = bytes.fromhex(seal.public_key), bytes.fromhex(seal.signature)
        if verify is not None and not verify(key, signature, seal.signed):
            yield f"{when}: its signature is not that of its text"
            return
        self._newest_us = max(seal.at_us, self._newest_us or seal.at_us)
        if seal.certificates.seq:
            self.journal[seal.certificates.seq] = seal.certificates.hash
        for head in seal.heads:
            of = self.heads.setdefault(StreamKey(head.camera, head.stream), SealedHeads())
            of.add(bytes.fromhex(head.link), head.end_us)

    def _signers(self) -> Iterator[Finding]:
        trusted = self._trust.key
        for key, (first, last) in self._keys.items():
            name = fingerprint(bytes.fromhex(key))
            if trusted is None and self._trust.verify is None:
                yield Finding(SEALED, "note", first, f"signed with key {name}; no signature was looked at")
            elif trusted is None:
                text = f"signed with key {name}, to {last}: compare it with the node's"
                yield Finding(SEALED, "note", first, text)
            elif bytes.fromhex(key) != trusted:
                text = f"signed with key {name}, to {last}: trusted is {fingerprint(trusted)} only"
                yield _error(first, text)

    def late(self, index: Index) -> Iterator[Finding]:
        """A note when the newest seal is long before the newest recording."""
        (end_us,) = index.db.execute("SELECT max(end_us) FROM segment WHERE state = 'closed'").fetchone()
        if self._newest_us is not None and end_us is not None and end_us - self._newest_us > LATE_US:
            when = f"{to_datetime(self._newest_us):%Y-%m-%d %H:%M:%S} UTC"
            yield Finding(SEALED, "note", seals.FOLDER, f"nothing was sealed since {when}")


def _error(where: str, text: str) -> Finding:
    return Finding(SEALED, "error", where, text)
