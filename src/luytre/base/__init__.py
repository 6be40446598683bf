"""Floor 0a: clock, errors, config, ids, log, db. No word of the domain."""
