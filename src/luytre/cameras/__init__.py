"""Floor 4: the registry of cameras, and `viewing`: the one door to pictures."""
