"""Renditions: what a browser is shown of a stream that it cannot decode (design/renditions.md)."""
