"""What reaches a hard disk, counted by the kernel: a request or two per open file and flush, and none in between."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bench.disk_time import CHUNK, small_disk, trace

FILES = 254

pytestmark = [pytest.mark.root]


@pytest.mark.parametrize("journal", [True, False])
def test_write_requests_of_127_cameras(tmp_path: Path, journal: bool) -> None:
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("NOT ROOT, or no mkfs.ext4: requests to a disk are NOT COUNTED")
    chunks = 4
    with small_disk(tmp_path, 512 << 20) as root:
        found = trace(root, tmp_path / "quick" if journal else None, FILES, chunks)
    for one in found:
        # All that was written, and little else.
        assert FILES * chunks * CHUNK <= one.bytes < FILES * chunks * CHUNK * 1.2
        assert 0 < one.seeks <= one.requests <= 2 * FILES
        # Up to the flush the disk rests; the file system may have something of its own to do.
        assert one.early <= FILES // 4
    assert all(one.share(30.0) < 0.6 for one in found)
