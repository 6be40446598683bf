"""Floor 0b: pure formats and protocols. Bytes in, events and bytes out; no socket, no file, no clock."""
