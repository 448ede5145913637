"""Where the runs of a sweep are done: the one small interface, and processes on this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Final, Generic, Protocol, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")

_STOP_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker ended in the middle of a job, or failed in a way that nobody foresaw."""

    why: str


class Engine(Protocol):
    """Does jobs somewhere, several at a time."""

    def workers(self) -> int:
        """Give how many jobs are done at a time."""
        ...

    def run(
        self, perform: Callable[[Job], Answer], groups: Sequence[Sequence[Job]]
    ) -> Generator[tuple[Job, Answer | Lost]]:
        """Give each job with its answer, in whatever order they are done.

        ``perform`` is a function of a module: it goes to other processes by its name. The jobs of
        a group share something costly, and are best done by one worker one after the other. When
        the caller stops asking, or an exception passes, whatever still runs is ended.
        """
        ...


class LocalPool:
    """Processes on this machine, each a fresh interpreter that inherits nothing but its work.

    A worker that dies loses its own job and no other. Workers do not hear Ctrl-C: whoever runs the
    sweep hears it, and ends them. A worker whose sweep is gone ends after its present job.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def workers(self) -> int:
        """Give how many processes there are."""
        return self._workers

    def run(
        self, perform: Callable[[Job], Answer], groups: Sequence[Sequence[Job]]
    ) -> Generator[tuple[Job, Answer | Lost]]:
        """Give each job with its answer; see :class:`Engine`."""
        waiting = _Waiting(groups)
        crew: list[_Worker[Job, Answer]] = []
        try:
            for _ in range(min(self._workers, waiting.count)):
                crew.append(_Worker(perform, waiting))
            while busy := {one.connection: one for one in crew if one.busy}:
                for ready in wait(list(busy)):
                    worker = next(one for connection, one in busy.items() if connection is ready)
                    job, answer = worker.done()
                    if isinstance(answer, Lost):
                        worker.stop()
                        crew.remove(worker)
                        if waiting.count:
                            crew.append(_Worker(perform, waiting))
                    else:
                        worker.begin_next()
                    yield job, answer
        finally:
            for worker in crew:
                worker.stop()


class _Waiting(Generic[Job]):
    """Jobs that nobody has begun, by group."""

    def __init__(self, groups: Sequence[Sequence[Job]]) -> None:
        self._groups = [deque(group) for group in groups if group]
        self._begun = 0
        self.count = sum(len(group) for group in self._groups)

    def next_after(self, group: int | None) -> tuple[int, Job] | None:
        """Give a job of this group, else of a group that nobody works on, else of the longest."""
        if not self.count:
            return None
        if group is None or not self._groups[group]:
            if self._begun < len(self._groups):
                group = self._begun
                self._begun += 1
            else:
                lengths = [len(jobs) for jobs in self._groups]
                group = lengths.index(max(lengths))
        self.count -= 1
        return group, self._groups[group].popleft()


class _Worker(Generic[Job, Answer]):
    """One process, and the job that it is at."""

    def __init__(self, perform: Callable[[Job], Answer], waiting: _Waiting[Job]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, perform), daemon=True)
        # Blocked here, the signal stays blocked in the process that starts; a Ctrl-C that comes
        # meanwhile is heard here right after.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()
        self._waiting = waiting
        self._group: int | None = None
        self._job: Job | None = None
        self.begin_next()

    @property
    def busy(self) -> bool:
        """Whether it owes an answer."""
        return self._job is not None

    def begin_next(self) -> None:
        """Take the next job, if there is one; a worker that has died is found out later."""
        self._job = None
        found = self._waiting.next_after(self._group)
        if found is not None:
            self._group, self._job = found
            # A broken pipe is seen by whoever waits for the answer.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.connection.send(self._job)

    def done(self) -> tuple[Job, Answer | Lost]:
        """Give the job and its answer, which is there, or the reason why there will be none."""
        assert self._job is not None
        try:
            answer: Answer | Lost = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(_STOP_WAIT_S)
            answer = Lost(_ending(self._process.exitcode))
        return self._job, answer

    def stop(self) -> None:
        """End the process now, whatever it does."""
        self.connection.close()
        self._process.kill()
        self._process.join(_STOP_WAIT_S)
        self._process.close()


def _serve(connection: Connection, perform: Callable[[Job], Answer]) -> None:
    """Do job after job until nobody asks any more."""
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        connection.send(attempt(perform, job))


def attempt(perform: Callable[[Job], Answer], job: Job) -> Answer | Lost:
    """Give the answer, or what an unforeseen failure says: one run's bug loses no other's."""
    try:
        return perform(job)
    except Exception as error:
        return Lost(f"{type(error).__name__}: {error}")


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"its process was ended by {name} (out of memory, perhaps)"
    return f"its process ended by itself with code {exit_code}"
