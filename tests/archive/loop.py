"""A small disk of its own: ext4 in a file, mounted for a test. Needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class LoopDisk:
    """A file system in `image`, to be mounted at `folder`. Mount points are directories of the system disk, as ever."""

    image: Path
    folder: Path

    @classmethod
    def make(cls, image: Path, folder: Path, size: int = 64 << 20) -> LoopDisk:
        if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
            pytest.skip("NOT ROOT, or no mkfs.ext4: no small disk can be mounted")
        with image.open("wb") as file:
            file.truncate(size)
        subprocess.run(
            ["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0", str(image)], check=True, timeout=60
        )
        folder.mkdir(exist_ok=True)
        return cls(image, folder)

    def mount(self, options: str = "") -> None:
        told = ",".join(filter(None, ("loop", options)))
        done = subprocess.run(
            ["mount", "-o", told, str(self.image), str(self.folder)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            pytest.skip(f"CANNOT MOUNT a small disk: {done.stderr.strip()}")

    def unmount(self, *, lazily: bool = False) -> None:
        """`lazily`: also while files are open, as if the cable were pulled for everybody who comes later."""
        how = ["umount", "-l"] if lazily else ["umount"]
        subprocess.run([*how, str(self.folder)], check=True, timeout=60)

    @property
    def is_mounted(self) -> bool:
        return os.path.ismount(self.folder)
