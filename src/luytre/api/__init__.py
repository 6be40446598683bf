"""Floor 9: the door to browsers and programs (design/api.md). The only room that knows HTTP."""
