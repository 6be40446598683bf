"""Out: each camera given on by RTSP to other programs, authorised (design/restream.md)."""
