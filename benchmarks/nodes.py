"""Real nodes as processes, driven through their control API."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from p2p.control import schema
from p2p.control.client import ControlClient, NodeNotRunning

READY_WAIT_S = 60.0


@dataclass
class Spent:
    """CPU seconds and resident memory of a process at one moment."""

    cpu_s: float
    rss_bytes: int


@dataclass
class BenchNode:
    """One profile in a folder of its own, with its node while it runs."""

    name: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    seen: list[tuple[float, schema.Event]] = field(default_factory=list)
    _listener: threading.Thread | None = None

    @property
    def home(self) -> Path:
        """The profile's folder."""
        return self.folder / self.name

    def init(self) -> Self:
        """Make the profile."""
        command = [sys.executable, "-m", "p2p.daemon", "init", "--home", str(self.home)]
        command += ["--name", self.name, "--no-passphrase"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return self

    def start(self, *options: str) -> Self:
        """Start the node and wait until it answers."""
        command = [sys.executable, "-m", "p2p.daemon", "run", "--home", str(self.home)]
        command += ["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--no-dht", *options]
        log = (self.folder / f"{self.name}.log").open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait_until(self._answers)
        return self

    def client(self) -> ControlClient:
        """Give a new connection to the node."""
        return ControlClient(self.home)

    @property
    def address(self) -> str:
        """Where the node listens."""
        with self.client() as client:
            return client.status().addresses[0]

    def listen(self, heard: Callable[[float, schema.Event], None]) -> None:
        """Call ``heard`` with each event, in a thread of its own, until the node stops."""
        ready = threading.Event()

        def run() -> None:
            last = ""
            try:
                while True:
                    with self.client() as client, client.events(after=last) as events:
                        for event in events:
                            ready.set()
                            last = event.id
                            heard(time.perf_counter(), event)
            except NodeNotRunning:
                return

        self._listener = threading.Thread(target=run, daemon=True)
        self._listener.start()
        if not ready.wait(READY_WAIT_S):
            raise RuntimeError(f"{self.name}: the event stream did not open.")

    def spent(self) -> Spent:
        """Give what the node's process has used so far."""
        assert self.process is not None
        process = psutil.Process(self.process.pid)
        times = process.cpu_times()
        return Spent(times.user + times.system, process.memory_info().rss)

    def stop(self) -> None:
        """End the node and wait for its end."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(READY_WAIT_S)
        if self._listener is not None:
            self._listener.join(READY_WAIT_S)
        self.process = None

    def wait_until(self, holds: Callable[[], bool], wait_s: float = READY_WAIT_S) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + wait_s
        while not holds():
            if self.process is not None and self.process.poll() is not None:
                log = (self.folder / f"{self.name}.log").read_text(errors="replace")
                raise RuntimeError(f"{self.name}'s node ended: {log[-2000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: waited {wait_s} s for nothing.")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                client.status()
        except NodeNotRunning:
            return False
        return True


def befriend(one: BenchNode, other: BenchNode) -> None:
    """Connect two running nodes and make their people contacts, each by the other's name."""
    with one.client() as a, other.client() as b:
        a.add_peer(other.address)
        a.add_contact(schema.AddContact(link=b.invite().link, name=other.name))
        one.wait_until(lambda: a.contact(other.name).state == "active")
        other.wait_until(lambda: any(c.state == "active" for c in b.contacts()))
        # One message each way ends the handshake on both sides.
        for client, name in ((a, other.name), (b, b.contacts()[0].name)):
            message = client.send(schema.Send(contact=name, text="hello"))
            one.wait_until(lambda c=client, m=message: c.message(m.id).state == "delivered")


def percentile(values: list[float], share: float) -> float:
    """Give the value below which ``share`` (0 to 1) of the values lie."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Stolen:
    """How much of the processor time that this machine asked for its host gave to others."""

    def __init__(self) -> None:
        self._before = _ticks()

    def share(self) -> float:
        """Give stolen over wanted time since this was made; 0 where nobody tells."""
        busy, stolen = (now - then for now, then in zip(_ticks(), self._before, strict=True))
        return stolen / (busy + stolen) if stolen else 0.0


def _ticks() -> tuple[int, int]:
    """Give the ticks of all processors so far: busy, and stolen (proc(5), /proc/stat)."""
    try:
        first = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return 0, 0
    user, nice, system, _, _, irq, soft, steal = (int(field) for field in first[1:9])
    return user + nice + system + irq + soft, steal


def clean_environment() -> None:
    """Keep the person's own profile out of it."""
    os.environ.pop("MOLVA_HOME", None)
