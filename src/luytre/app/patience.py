"""Work that may hang on a disk, side by side, and waited for only so long.

Does not   end what hangs: the process does, and even then the kernel may not be able to before the disk answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from luytre.base.clock import SYSTEM

Name = TypeVar("Name")
Answer = TypeVar("Answer")


def answers_of(tasks: Mapping[Name, Callable[[], Answer]], limit_s: float) -> dict[Name, Answer]:
    """The answers that came within `limit_s`, each from a thread of its own. What a task raises is raised here, when all
    had their time.
    """
    found: dict[Name, Answer] = {}
    failures: list[BaseException] = []

    def work(name: Name, task: Callable[[], Answer]) -> None:
        try:
            found[name] = task()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=given, daemon=True) for given in tasks.items()]
    for thread in threads:
        thread.start()
    until_s = SYSTEM.monotonic_s() + limit_s
    for thread in threads:
        thread.join(max(until_s - SYSTEM.monotonic_s(), 0.0))
    if failures:
        raise failures[0]
    return dict(found)
