"""Numbers for people: estimates with their bounds, in a unit that fits."""

from __future__ import annotations

import math
from typing import Final

from simulations.report.study import Estimate
from simulations.sweep.figures import FIGURE, Unit

NOTHING: Final = "-"
ONE_SEED: Final = "one seed"
_SCALES: Final = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def number_text(value: float, unit: Unit) -> str:
    """Give a number with three digits or so, and its unit where that is not plain."""
    if math.isnan(value):
        return NOTHING
    if unit == "share":
        return f"{value:.3f}"
    if unit == "bytes":
        for size, name in _SCALES:
            if abs(value) >= size:
                return f"{_three(value / size)} {name}"
        return f"{_three(value)} B"
    return f"{_three(value)} s" if unit == "s" else _three(value)


def estimate_text(estimate: Estimate, figure: str, *, signed: bool = False) -> str:
    """Give ``mean [low, high]``; a mean of one seed says so, since it has no bounds."""
    unit = FIGURE[figure].unit
    interval = estimate.interval
    if not estimate.seeds:
        return NOTHING
    mean = number_text(interval.estimate, unit)
    if signed and interval.estimate > 0:
        mean = f"+{mean}"
    if estimate.seeds == 1:
        return f"{mean} ({ONE_SEED})"
    return f"{mean} [{number_text(interval.low, unit)}, {number_text(interval.high, unit)}]"


def _three(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}"
