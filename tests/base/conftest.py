"""Databases for the tests of this folder."""

from __future__ import annotations

from tests.databases import database, empty_url, postgresql

__all__ = ["database", "empty_url", "postgresql"]
