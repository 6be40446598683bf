"""Floor 3: accounts, sessions and tickets, and the record of looks."""
