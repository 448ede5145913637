"""Runs on several machines, over a Dask cluster that is already there. Needs the extra ``cluster``.

Whoever can reach a Dask scheduler can run code on its workers: keep it in a network of your own,
or use its TLS. Workers need the same Molva installed; answers say with which code they were made.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from p2p.errors import InvalidInput, LinkFailed
from simulations.sweep.engine import Lost, attempt

Job = TypeVar("Job")
Answer = TypeVar("Answer")

_CONNECT_WAIT_S: Final = 10.0


class DaskCluster:
    """The workers behind a Dask scheduler.

    Raises:
        InvalidInput: Dask is not installed, or this is no address of a scheduler.
        LinkFailed: nothing answers there.
    """

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise InvalidInput(
                "A sweep on a cluster needs Dask distributed, which is not installed; "
                "`pip install 'molva[cluster]'` installs it (the extra `cluster`)."
            )
        from distributed import Client  # pyright: ignore[reportMissingModuleSource] - an extra

        try:
            self._client = Client(address, timeout=_CONNECT_WAIT_S)
        except ValueError as error:
            raise InvalidInput(
                f"{address!r} is no address of a Dask scheduler; tcp://HOST:8786 is one."
            ) from error
        except OSError as error:
            raise LinkFailed(f"No Dask scheduler answers at {address}.") from error
        if not self.workers():
            self._client.close()
            raise LinkFailed(f"The Dask scheduler at {address} has no workers.")

    def workers(self) -> int:
        """Give the threads of all workers."""
        return sum(self._client.nthreads().values())

    def run(
        self, perform: Callable[[Job], Answer], groups: Sequence[Sequence[Job]]
    ) -> Generator[tuple[Job, Answer | Lost]]:
        """Give each job with its answer; Dask decides where each is done."""
        from distributed import as_completed  # pyright: ignore[reportMissingModuleSource]

        futures = {
            self._client.submit(_Attempt(perform), job, pure=False): job
            for group in groups
            for job in group
        }
        try:
            for future in as_completed(futures):
                job = futures.pop(future)
                failure = future.exception()
                if failure is not None:
                    yield job, Lost(f"its Dask worker failed: {failure or type(failure).__name__}")
                else:
                    yield job, future.result()
        finally:
            self._client.cancel(list(futures), force=True)
            self._client.close()


@dataclass(frozen=True, slots=True)
class _Attempt(Generic[Job, Answer]):
    """:func:`attempt` with its first argument given: a value that pickles by name."""

    perform: Callable[[Job], Answer]

    def __call__(self, job: Job) -> Answer | Lost:
        return attempt(self.perform, job)
