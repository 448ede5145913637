"""A lock for the path of every message, where each turn of the scheduler counts."""

from __future__ import annotations

import trio


class PromptLock:
    """A lock that is had at once where it is free; trio's own lets every other task run first."""

    def __init__(self) -> None:
        self._lock = trio.Lock()

    async def __aenter__(self) -> None:
        try:
            self._lock.acquire_nowait()
        except trio.WouldBlock:
            await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
