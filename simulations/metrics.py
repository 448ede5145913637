"""Statistics of runs: what a run achieved, and intervals over seeds.

Intervals are two-sided. Means over seeds take Student's t; shares of messages take Wilson's score
(Wilson, 1927), which stays inside 0 to 1 and is sound near its ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Final

from p2p.errors import InvalidInput
from simulations.trace import Outcome

LEVEL: Final = 0.95
HEALED_SHARE: Final = 0.95
"""A partition counts as healed once this share of the mail across it arrived."""
ROUNDING: Final = 1e-9
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


def time_mean(samples: Sequence[tuple[float, float]], end_s: float) -> float:
    """Give the mean over time of what is ``(time_s, value)`` from each sample to the next.

    The buffers' occupancy, say. Counted from the first sample to ``end_s``; NaN where that is no
    time at all.
    """
    kept = [sample for sample in samples if sample[0] < end_s]
    if not kept:
        return math.nan
    ends = [*(time_s for time_s, _ in kept[1:]), end_s]
    pieces = zip(kept, ends, strict=True)
    whole = math.fsum((until - time_s) * value for (time_s, value), until in pieces)
    return whole / (end_s - kept[0][0])


def healing_time_s(
    crossings: Sequence[tuple[float, float | None]], healed_s: float, share: float = HEALED_SHARE
) -> float:
    """Give how long after the end of a partition its mail needs to get across.

    Args:
        crossings: for each message from one side to the other: when it was created, and when it
            was delivered, or None. Messages from after the healing do not count.
        healed_s: when the sides met again.
        share: how much of that mail must have arrived.

    Returns:
        Seconds, 0 if it was across before; infinity if too little of it ever arrived; NaN without
        any such mail.
    """
    waiting = [delivered for created_s, delivered in crossings if created_s <= healed_s]
    if not waiting:
        return math.nan
    arrived = sorted(delivered for delivered in waiting if delivered is not None)
    needed = max(1, math.ceil(share * len(waiting) - ROUNDING))
    if len(arrived) < needed:
        return math.inf
    return max(0.0, arrived[needed - 1] - healed_s)


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


def paired_interval(
    ones: Sequence[float], others: Sequence[float], level: float = LEVEL
) -> Interval:
    """Give the mean of ``ones[k] - others[k]`` with its interval.

    Where both variants ran seed k with the same contacts and messages (common random numbers), what
    the world did to both cancels: the interval is narrower than that of two separate means.

    Raises:
        InvalidInput: not as many ones as others.
    """
    if len(ones) != len(others):
        raise InvalidInput(f"{len(ones)} runs cannot be paired with {len(others)}.")
    return mean_interval([one - other for one, other in zip(ones, others, strict=True)], level)


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


@cache
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
