"""What a volume shows of itself under its writer."""

from __future__ import annotations

import errno

import pytest

from luytre.archive.health import RETRY_S, Health
from luytre.archive.keys import Cause
from tests.archive.builder import Ward
from tests.archive.faulty import FaultyDisk


def test_a_disk_that_takes_no_probe_is_flushed_all_the_same(ward: Ward) -> None:
    health, disk = Health(ward.clock), FaultyDisk()
    health.fault(Cause.DISK_FULL)
    ward.clock.advance(RETRY_S)
    disk.fail("write", errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        health.prove(disk, ward.volume)
    assert disk.calls["flush"] == 1
    assert health.in_doubt
    disk.heal()
    health.prove(disk, ward.volume)
    assert not health.in_doubt
