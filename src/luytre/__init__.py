"""A hedge of cameras for a ward: recorded, watched by the right people, worth something as evidence."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
