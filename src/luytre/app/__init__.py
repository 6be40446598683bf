"""Floor 8: builds and starts everything: node, supervisor, web process, demo."""
