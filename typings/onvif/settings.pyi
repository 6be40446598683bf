from typing import Any

DEFAULT_SETTINGS: Any
