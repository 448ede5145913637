"""Tells the story in each way and says whether all agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulations.fidelity.on_daemons import run_on_daemons
from simulations.fidelity.on_kernel import run_on_kernel
from simulations.fidelity.on_trio import run_on_trio
from simulations.fidelity.story import FERRIES, Deliveries, Story, Writes, told

KERNEL: Final = "kernel"
TRIO: Final = "trio"
DAEMONS: Final = "daemons"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What arrived in each way of telling the story.

    Attributes:
        messages: all that were written, as ``text@recipient``, in the order of writing.
    """

    messages: tuple[str, ...]
    arrived: dict[str, Deliveries]

    def agrees(self) -> bool:
        """Tell whether the same arrived everywhere."""
        return len(set(self.arrived.values())) == 1


def compare(
    *,
    story: Story = FERRIES,
    with_daemons: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Tell the story on the kernel, on trio, and with daemons.

    Raises:
        InvalidInput: a way of telling it did not come to its end.
    """
    ways: dict[str, Callable[[Story], Deliveries]] = {KERNEL: run_on_kernel, TRIO: run_on_trio}
    if with_daemons:
        ways[DAEMONS] = _on_daemons
    arrived: dict[str, Deliveries] = {}
    for name, run in ways.items():
        progress(name)
        arrived[name] = run(story)
    written = (step for step in story.steps if isinstance(step, Writes))
    messages = tuple(told(w.name, story.people[w.destination]) for w in written)
    return Comparison(messages, arrived)


def _on_daemons(story: Story) -> Deliveries:
    with tempfile.TemporaryDirectory(prefix="molva-") as folder:
        return run_on_daemons(story, Path(folder))
