"""The oracle as a checker: no router delivers what cannot arrive, or before it can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from p2p.errors import InvalidInput
from simulations.checkers.finding import FINDINGS_MAX, Finding
from simulations.trace import Delivery

ROUNDING_S = 1e-9


def beyond_the_oracle(
    deliveries: Iterable[Delivery], earliest: Mapping[str, float]
) -> list[Finding]:
    """Give a finding for each delivery that no router could have reached.

    Args:
        deliveries: of the messages that the oracle was asked about.
        earliest: by message, the earliest possible arrival; absent where there is none.
    """
    found: list[Finding] = []
    for delivery in deliveries:
        name, node = delivery.creation.name, delivery.creation.destination
        bound_s = earliest.get(name)
        if bound_s is None:
            sentence = f"message {name} was delivered, and no way led there in its lifetime."
        elif delivery.time_s < bound_s - ROUNDING_S:
            sentence = (
                f"message {name} was delivered {bound_s - delivery.time_s:.6f} s before the oracle."
            )
        else:
            continue
        found.append(Finding(delivery.time_s, node, "oracle", sentence))
        if len(found) == FINDINGS_MAX:
            break
    return found


def must_be_possible(deliveries: Iterable[Delivery], earliest: Mapping[str, float]) -> None:
    """Check deliveries against the oracle.

    Raises:
        InvalidInput: one beats it; the run is worth nothing.
    """
    found = beyond_the_oracle(deliveries, earliest)
    if found:
        raise InvalidInput(f"The simulator is wrong: {found[0]}")
