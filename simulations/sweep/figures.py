"""The figures of a run, by name: what sweeps keep and reports show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Unit: TypeAlias = Literal["share", "s", "bytes", "count", "ratio", "hops"]
Better: TypeAlias = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run.

    Attributes:
        name: its column in results.parquet.
        title: what people read.
        better: which way a person would wish it to go.
        about: what it counts.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    about: str


LOSSES: Final = (
    ("unreachable", "unreachable", "Messages that no router could deliver."),
    ("under_way", "still under way", "Messages that somebody still holds at the end."),
    ("evicted", "evicted", "Messages whose last copy made room for others."),
    ("expired", "expired", "Messages whose last copy came to the end of its lifetime."),
    ("forgotten", "forgotten", "Messages whose last copy went with a node's memory."),
    ("swallowed", "swallowed", "Messages whose last copy an attacker took."),
    ("otherwise", "otherwise", "Messages lost in any other way."),
)
"""Why a message was not delivered: name, title, what it means."""

FIGURES: Final = (
    Figure("created", "Messages", "count", "neither", "Messages written."),
    Figure("delivered", "Delivered", "count", "higher", "Messages that reached their recipient."),
    Figure("delivery_ratio", "Delivery ratio", "share", "higher", "Delivered over written."),
    Figure(
        "oracle_delivery_ratio",
        "Oracle's delivery ratio",
        "share",
        "neither",
        "What any router could deliver: unlimited buffers, links without delay.",
    ),
    Figure(
        "delivered_of_possible",
        "Delivered of what the oracle delivers",
        "share",
        "higher",
        "Delivered over the messages that could arrive at all.",
    ),
    Figure("latency_mean_s", "Latency, mean", "s", "lower", "Of delivered messages."),
    Figure("latency_median_s", "Latency, median", "s", "lower", "Of delivered messages."),
    Figure("latency_p95_s", "Latency, 95th percentile", "s", "lower", "Of delivered messages."),
    Figure(
        "behind_oracle_s",
        "Later than the oracle, mean",
        "s",
        "lower",
        "Of delivered messages: arrival after the earliest possible one.",
    ),
    Figure(
        "overhead_ratio",
        "Overhead ratio",
        "ratio",
        "lower",
        "Transfers beside deliveries, over deliveries.",
    ),
    Figure("hops_mean", "Hops, mean", "hops", "neither", "Links that a delivered message passed."),
    Figure(
        "bytes_on_air",
        "Bytes on air",
        "bytes",
        "lower",
        "Of completed transfers (abstract) or of all frames (protocol).",
    ),
    Figure(
        "buffered_bytes_mean",
        "Buffer occupancy, mean over time",
        "bytes",
        "lower",
        "Bytes in the custody of all nodes together.",
    ),
    *(
        Figure(f"lost_{why}", f"Lost: {title}", "count", "lower", about)
        for why, title, about in LOSSES
    ),
    Figure(
        "healed",
        "Healed",
        "share",
        "higher",
        "1 if 95 % of the mail across a cut arrived after it ended, 0 if not.",
    ),
    Figure(
        "healing_s",
        "Healing time",
        "s",
        "lower",
        "From the end of a partition until 95 % of the mail across it arrived, where it did.",
    ),
    Figure("findings", "Findings of checkers", "count", "lower", "0 in a run that is sound."),
    Figure("cpu_s", "CPU time of the run", "s", "neither", "Seconds of one core."),
)

FIGURE: Final = {figure.name: figure for figure in FIGURES}
MAIN_FIGURES: Final = (
    "delivery_ratio",
    "delivered_of_possible",
    "latency_median_s",
    "latency_p95_s",
    "overhead_ratio",
    "buffered_bytes_mean",
    "bytes_on_air",
)
"""Shown in every report; the others where there is something to say."""
