"""The doctor: says in plain words what works on this device and what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import trio

from p2p.errors import MolvaError
from p2p.node.api import Check, NodeStatus
from p2p.node.tasks import spawn
from p2p.wire.ids import PeerId

OK: Final = "ok"
WARNING: Final = "warning"
FAILED: Final = "failed"
PROBE_WAIT_MAX_S: Final = 15.0


class Probe(Protocol):
    """Something that can be tried from outside: mDNS, the DHT, the disk."""

    @property
    def name(self) -> str:
        """The check's name, kebab-case."""
        ...

    async def __call__(self) -> Check:
        """Try it."""
        ...


async def diagnose(
    status: NodeStatus, clock_offsets: Mapping[PeerId, float], probes: Sequence[Probe]
) -> list[Check]:
    """Give all findings: what the runtime knows first, then one for each probe, in their order.

    Args:
        status: the node as it is now.
        clock_offsets: seconds by which clocks of present neighbours are ahead, where over a day.
        probes: tried at once; one that does not answer in 15 seconds has failed.
    """
    findings: dict[int, Check] = {}
    async with trio.open_nursery() as nursery:
        for place, probe in enumerate(probes):
            spawn(nursery, _try, probe, place, findings)
    known = [
        check_listening(status),
        check_neighbours(status),
        check_clock_offsets(len(status.neighbours), clock_offsets),
        *(check_discovery(name, state) for name, state in status.discovery),
    ]
    return known + [findings[place] for place in sorted(findings)]


def check_listening(status: NodeStatus) -> Check:
    """Tell where others can reach this node."""
    if not status.addresses:
        return Check("listening", FAILED, "This node listens nowhere; it can only dial others.")
    return Check("listening", OK, f"Reachable at {', '.join(status.addresses)}.")


def check_neighbours(status: NodeStatus) -> Check:
    """Tell whether anybody is there."""
    if not status.neighbours:
        return Check("neighbours", WARNING, "No neighbour: mail waits here until one comes.")
    return Check("neighbours", OK, f"{len(status.neighbours)} open link(s).")


def check_clock_offsets(neighbours: int, offsets: Mapping[PeerId, float]) -> Check:
    """Judge our clock by those of the neighbours: tags are keyed by the day."""
    if not neighbours:
        return Check("clock", WARNING, "No neighbour to compare the clock with.")
    if not offsets:
        return Check("clock", OK, f"Within a day of {neighbours} neighbour(s).")
    median_s = sorted(offsets.values())[len(offsets) // 2]
    detail = (
        f"{len(offsets)} of {neighbours} neighbour(s) disagree by more than a day; "
        f"theirs are {abs(median_s) / 86_400:.1f} days {'ahead' if median_s > 0 else 'behind'}."
    )
    return Check("clock", FAILED if 2 * len(offsets) > neighbours else WARNING, detail)


def check_discovery(name: str, state: str) -> Check:
    """Tell how a way to find others is doing."""
    if state in ("on", "off", "starting"):
        return Check(name, WARNING if state == "starting" else OK, f"Discovery is {state}.")
    return Check(name, FAILED, state)


async def _try(probe: Probe, place: int, findings: dict[int, Check]) -> None:
    findings[place] = Check(probe.name, FAILED, f"No outcome within {PROBE_WAIT_MAX_S:.0f} s.")
    with trio.move_on_after(PROBE_WAIT_MAX_S):
        try:
            findings[place] = await probe()
        except MolvaError as exc:
            findings[place] = Check(probe.name, FAILED, str(exc))
