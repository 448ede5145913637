"""Liveness: what can arrive does arrive, in time, once everything works again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simulations.checkers.finding import FINDINGS_MAX, Finding
from simulations.trace import Creation


def overdue(
    mail: Iterable[Creation],
    arrived: Mapping[str, float],
    earliest: Mapping[str, float],
    healed_s: float,
    budget_s: float,
    end_s: float,
) -> list[Finding]:
    """Give a finding for each message that was not delivered in time.

    Due is the later of the oracle's arrival and the healing, and the budget after that. Messages
    that are due after the end of the run are not judged, nor those that nothing can deliver.

    Args:
        mail: what is judged.
        arrived: by message, when it was delivered.
        earliest: by message, the oracle's arrival; absent where there is none.
    """
    found: list[Finding] = []
    for creation in mail:
        possible_s = earliest.get(creation.name)
        if possible_s is None:
            continue
        due_s = max(possible_s, healed_s) + budget_s
        came_s = arrived.get(creation.name)
        if due_s > end_s or (came_s is not None and came_s <= due_s):
            continue
        fate = "never came" if came_s is None else f"came {came_s - due_s:.3f} s late"
        sentence = (
            f"message {creation.name} to node {creation.destination} could arrive at "
            f"{possible_s:.3f} s, was due at {due_s:.3f} s, and {fate}."
        )
        found.append(Finding(due_s, creation.source, "liveness", sentence))
        if len(found) == FINDINGS_MAX:
            break
    return found
