"""How long a person waits for a command."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.nodes import BenchNode

RUNS = 7


def command_times_ms(folder: Path) -> dict[str, float]:
    """Give the median time of whole processes, in milliseconds."""
    molva = str(Path(sys.executable).with_name("molva"))
    node = BenchNode("dora", folder).init()
    try:
        node.start()
        home = str(node.home)
        return {
            "molva --help": _median_ms([molva, "--help"]),
            "molva inbox": _median_ms([molva, "--home", home, "inbox"]),
        }
    finally:
        node.stop()


def _median_ms(command: list[str]) -> float:
    took: list[float] = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took.append(1e3 * (time.perf_counter() - began))
    return sorted(took)[RUNS // 2]
