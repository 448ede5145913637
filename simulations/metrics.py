"""Statistics of runs: what a run achieved, and intervals over seeds.

Intervals are two-sided. Means over seeds take Student's t; shares of messages take Wilson's score
(Wilson, 1927), which stays inside 0 to 1 and is sound near its ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from p2p.errors import InvalidInput
from simulations.trace import Outcome

LEVEL: Final = 0.95
_TERMS_MAX: Final = 500
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds; NaN where there is nothing to estimate from."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """One run in numbers; NaN where nothing was delivered.

    Attributes:
        delivery_ratio: delivered over created.
        latency_mean_s, latency_median_s, latency_p95_s: of delivered messages.
        overhead_ratio: (transfers - deliveries) / deliveries.
        hops_mean: links per delivered message.
    """

    created: int
    delivered: int
    delivery_ratio: float
    latency_mean_s: float
    latency_median_s: float
    latency_p95_s: float
    overhead_ratio: float
    hops_mean: float


def summarise(outcome: Outcome) -> Summary:
    """Give a run's figures."""
    delivered = len(outcome.deliveries)
    latencies = [one.time_s - one.creation.time_s for one in outcome.deliveries]
    return Summary(
        created=outcome.created,
        delivered=delivered,
        delivery_ratio=delivered / outcome.created if outcome.created else math.nan,
        latency_mean_s=math.fsum(latencies) / delivered if delivered else math.nan,
        latency_median_s=quantile(latencies, 0.5),
        latency_p95_s=quantile(latencies, 0.95),
        overhead_ratio=(outcome.relayed - delivered) / delivered if delivered else math.nan,
        hops_mean=sum(d.hops for d in outcome.deliveries) / delivered if delivered else math.nan,
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Give a quantile, linear between order statistics (Hyndman and Fan's type 7)."""
    if not values:
        return math.nan
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Give the mean with Student's t interval; one value alone has no interval."""
    count = len(values)
    if not count:
        return Interval(math.nan, math.nan, math.nan)
    mean = math.fsum(values) / count
    if count == 1:
        return Interval(mean, math.nan, math.nan)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = student_quantile(0.5 + level / 2, count - 1) * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)


def share_interval(successes: int, trials: int, level: float = LEVEL) -> Interval:
    """Give a share with Wilson's score interval.

    Raises:
        InvalidInput: more successes than trials, or fewer than none.
    """
    if not 0 <= successes <= trials:
        raise InvalidInput(f"{successes} of {trials} is no share.")
    if not trials:
        return Interval(math.nan, math.nan, math.nan)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == trials else middle + half
    return Interval(share, low, high)


def student_quantile(probability: float, freedom: int) -> float:
    """Give the quantile of Student's t, by bisection of its distribution function.

    Raises:
        InvalidInput: a probability outside 0.5 to 1, or no degree of freedom.
    """
    if not (0.5 <= probability < 1 and freedom >= 1):
        raise InvalidInput("Allowed are probabilities from 0.5 to below 1, and freedom from 1.")
    low, high = 0.0, 1.0
    while student_distribution(high, freedom) < probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if student_distribution(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_distribution(t: float, freedom: int) -> float:
    """Give the probability that Student's t with this freedom is at most ``t`` (0 or more)."""
    tail = _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))
    return 1 - tail / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (Abramowitz and Stegun, 26.5.8)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _TERMS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            fraction *= c * d
        if math.isclose(before, fraction, rel_tol=1e-15):
            break
    return front * fraction


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
