"""The ONE's two reports, byte for byte: what was delivered, and the statistics of messages.

Numbers are printed as Java's ``%.4f`` does: the shortest decimal form of the double, rounded half
up. Medians are the upper one of two middles, as The ONE takes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from p2p.errors import InvalidInput
from simulations.trace import Delivery, Outcome

DELIVERED_FILE_NAME = "DeliveredMessagesReport.txt"
STATISTICS_FILE_NAME = "MessageStatsReport.txt"
_DELIVERED_HEADER = (
    "# time  ID  size  hopcount  deliveryTime  fromHost  toHost  remainingTtl  isResponse  path\n"
)
_DIGITS = Decimal("0.0001")


def number_text(value: float) -> str:
    """Give a number with four digits after the point, rounded half up, or ``NaN``."""
    if math.isnan(value):
        return "NaN"
    return f"{Decimal(repr(float(value))).quantize(_DIGITS, ROUND_HALF_UP):f}"


def delivered_text(deliveries: Iterable[Delivery]) -> str:
    """Give the text of a DeliveredMessagesReport."""
    return _DELIVERED_HEADER + "".join(_delivered_line(delivery) for delivery in deliveries)


def _delivered_line(delivery: Delivery) -> str:
    created = delivery.creation
    return (
        f"{number_text(delivery.time_s)} {created.name} {created.size_bytes} {delivery.hops} "
        f"{number_text(delivery.time_s - created.time_s)} n{created.source} "
        f"n{created.destination} {delivery.remaining_ttl_min} N "
        f"{'->'.join(f'n{address}' for address in delivery.path)}\n"
    )


def statistics_text(scenario: str, outcome: Outcome) -> str:
    """Give the text of a MessageStatsReport. Nothing is answered here, so responses count 0."""
    delivered = len(outcome.deliveries)
    latencies = [one.time_s - one.creation.time_s for one in outcome.deliveries]
    hops = [one.hops for one in outcome.deliveries]
    ratio = delivered / outcome.created if outcome.created else 0.0
    overhead = (outcome.relayed - delivered) / delivered if delivered else math.nan
    lines = (
        f"Message stats for scenario {scenario}",
        f"sim_time: {number_text(outcome.sim_time_s)}",
        f"created: {outcome.created}",
        f"started: {outcome.started}",
        f"relayed: {outcome.relayed}",
        f"aborted: {outcome.aborted}",
        f"dropped: {outcome.dropped}",
        f"removed: {outcome.removed}",
        f"delivered: {delivered}",
        f"delivery_prob: {number_text(ratio)}",
        "response_prob: 0.0000",
        f"overhead_ratio: {number_text(overhead)}",
        f"latency_avg: {number_text(_mean(latencies))}",
        f"latency_med: {number_text(_median(latencies))}",
        f"hopcount_avg: {number_text(_mean(hops))}",
        f"hopcount_med: {sorted(hops)[len(hops) // 2] if hops else 0}",
        f"buffertime_avg: {number_text(_mean(outcome.buffer_times_s))}",
        f"buffertime_med: {number_text(_median(outcome.buffer_times_s))}",
        "rtt_avg: NaN",
        "rtt_med: NaN",
    )
    return "\n".join(lines) + "\n"


def write_reports(folder: Path, scenario: str, outcome: Outcome) -> None:
    """Write both reports into a folder, which is made where it is missing.

    Raises:
        InvalidInput: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        delivered = folder / DELIVERED_FILE_NAME
        delivered.write_text(delivered_text(outcome.deliveries), encoding="utf-8", newline="\n")
        statistics = folder / STATISTICS_FILE_NAME
        statistics.write_text(statistics_text(scenario, outcome), encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInput(f"Cannot write to {folder}: {error.strerror or error}.") from error


def _mean(values: Sequence[float]) -> float:
    """Sum in order, as a plain loop does: Python's own sum may compensate rounding."""
    if not values:
        return math.nan
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else math.nan
