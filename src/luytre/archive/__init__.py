"""Floor 1: volumes, segments, index, gap ledger, holds, retention, playback, export, check. See design/archive.md."""
