"""The story on the kernel, at protocol fidelity."""

from __future__ import annotations

from typing import Final

from simulations.fidelity.story import Deliveries, Meets, Story, told
from simulations.protocol.routers import make_routers
from simulations.protocol.world import ProtocolWorld
from simulations.trace import ContactChange, Creation, ReplaySettings

STEP_S: Final = 300.0
MEETING_S: Final = 200.0
_TTL_MIN: Final = 1_440
_RATE_BYTES_PER_S: Final = 1_000_000
_BUFFER_BYTES: Final = 64 * 1_048_576


def run_on_kernel(story: Story) -> Deliveries:
    """Give what arrives."""
    contacts: list[ContactChange] = []
    creations: list[Creation] = []
    for number, step in enumerate(story.steps, start=1):
        at_s = number * STEP_S
        if isinstance(step, Meets):
            contacts.append(ContactChange(at_s, step.first, step.second, up=True))
            contacts.append(ContactChange(at_s + MEETING_S, step.first, step.second, up=False))
        else:
            creations.append(Creation(at_s, step.name, step.source, step.destination, 0))
    settings = ReplaySettings(
        nodes=len(story.people),
        end_s=(len(story.steps) + 2) * STEP_S,
        rate_bytes_per_s=_RATE_BYTES_PER_S,
        buffer_bytes=_BUFFER_BYTES,
        ttl_min=_TTL_MIN,
        name="fidelity",
    )
    world = ProtocolWorld(settings, contacts, creations, make_routers("spray", story.copies))
    return frozenset(
        told(delivery.creation.name, story.people[delivery.creation.destination])
        for delivery in world.run().deliveries
    )
