"""A node put together: what it knows, its archive, its live streams, and the one door to pictures."""

from __future__ import annotations

from pathlib import Path

from luytre.app.foundation import InitResult, init
from luytre.app.store import Store
from luytre.archive.catalog import Archive
from luytre.base.clock import SYSTEM, Clock
from luytre.base.config import NodeConfig
from luytre.base.secrets import Secrets
from luytre.cameras.live import LiveHub
from luytre.cameras.viewing import Viewing

__all__ = ["InitResult", "Node", "init"]


class Node(Store):
    """`Node.open(DIR)`; the live hub runs only when somebody awaits `hub.run()`."""

    def __init__(self, directory: Path, config: NodeConfig, secrets: Secrets, clock: Clock = SYSTEM) -> None:
        super().__init__(directory, config, secrets, clock)
        promised = {volume.path: config.promised_days for volume in config.volumes}
        self.archive = Archive(list(promised), clock, promised)
        self.hub = LiveHub(self.sockets)
        self.viewing = Viewing(
            self.registry, self.archive, self.hub, self.looks, clock, most_renditions=config.renditions.max
        )
