"""Foreign sources turned into RTSP for the recorder, one worker process each (design/converter.md)."""
