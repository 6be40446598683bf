"""Floor 2: simulated RTSP cameras, for the demo, the tests and the bench. Knows no recorder."""
