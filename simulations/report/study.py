"""A sweep as a report sees it: what each variant achieved, and which variants are comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from p2p.errors import InvalidInput
from simulations.metrics import Interval, mean_interval, paired_interval
from simulations.sweep.figures import FIGURE
from simulations.sweep.grid import CASE_KEY, SCENARIO_KEY
from simulations.sweep.plan import RESULTS_FILE_NAME, Plan, Value, Variant, read_plan
from simulations.sweep.tables import Result, read_curves, read_results

Curve: TypeAlias = Sequence[tuple[float, float]]
"""(delay in seconds, share of messages delivered within it)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        interval: the mean and its 95 % bounds; bounds are NaN for one seed.
        seeds: how many had something to say.
    """

    interval: Interval
    seeds: int


@dataclass(frozen=True, slots=True)
class Group:
    """The runs of one variant, by seed."""

    variant: Variant
    results: Mapping[int, Result]
    curves: Mapping[int, Curve]

    def values(self, figure: str) -> dict[int, float]:
        """Give a figure by seed, where the run had something to say."""
        found = {seed: result.figures.get(figure) for seed, result in self.results.items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def estimate(self, figure: str) -> Estimate:
        """Give the mean of a figure over seeds."""
        values = list(self.values(figure).values())
        return Estimate(_possible(mean_interval(values), figure), len(values))

    def mean_curve(self) -> list[tuple[float, Interval]]:
        """Give the mean share delivered within each delay."""
        points = zip(*self.curves.values(), strict=True) if self.curves else ()
        return [
            (row[0][0], _possible(mean_interval([share for _, share in row]), "delivery_ratio"))
            for row in points
        ]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two variants that differ in one parameter, compared seed by seed.

    Attributes:
        where: the parameters that both share, as a label; empty without any.
        other, reference: the values compared; differences are other - reference.
        figures: by name; seeds count those in which both had something to say.
    """

    where: str
    other: str
    reference: str
    figures: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Study:
    """A sweep with its results."""

    plan: Plan
    groups: tuple[Group, ...]

    @property
    def seeds(self) -> int:
        """Give the most seeds that a variant has."""
        return max(len(group.results) for group in self.groups)

    @property
    def missing(self) -> int:
        """Give how many runs of the plan are not there."""
        there = sum(len(group.results) for group in self.groups)
        return len(self.plan.variants) * len(self.plan.seeds) - there

    def figures_with_news(self) -> set[str]:
        """Give the figures that say something: not all zero, and not all absent."""
        return {
            name
            for group in self.groups
            for result in group.results.values()
            for name, value in result.figures.items()
            if value
        }


def _possible(interval: Interval, figure: str) -> Interval:
    """Cut bounds to what a figure can be: no figure is below 0, no share above 1."""
    most = 1.0 if FIGURE[figure].unit == "share" else math.inf
    if math.isnan(interval.low):
        return interval
    return Interval(interval.estimate, max(0.0, interval.low), min(most, interval.high))


def read_study(folder: Path) -> Study:
    """Read a sweep's folder.

    Raises:
        InvalidInput: something there is damaged, or there is no result.
    """
    plan = read_plan(folder)
    results, curves = read_results(folder), read_curves(folder)
    known = {variant.number for variant in plan.variants}
    strangers = [result.variant for result in results if result.variant not in known]
    if strangers:
        raise InvalidInput(
            f"{folder / RESULTS_FILE_NAME} has variant {strangers[0]}, which {folder}'s plan does "
            "not know; `molva-sim sweep` with this folder as --out writes the tables again."
        )
    groups = [_group(variant, results, curves) for variant in plan.variants]
    if not any(group.results for group in groups):
        raise InvalidInput(f"{folder} holds no finished run; `molva-sim sweep` goes on from there.")
    return Study(plan, tuple(group for group in groups if group.results))


def _group(
    variant: Variant, results: Sequence[Result], curves: Mapping[tuple[int, int], Curve]
) -> Group:
    mine = {one.seed: one for one in results if one.variant == variant.number}
    found = {
        seed: curves[variant.number, seed] for seed in mine if (variant.number, seed) in curves
    }
    lengths = {len(curve) for curve in found.values()}
    return Group(variant, mine, found if len(lengths) <= 1 else {})


def compared_key(study: Study, wanted: str | None) -> str:
    """Give the parameter whose values are compared: the one wanted, or a policy, or the last.

    Raises:
        InvalidInput: the sweep has no such parameter.
    """
    keys = study.plan.parameters
    if wanted is not None:
        if wanted not in keys:
            raise InvalidInput(
                f"--compare {wanted}: this sweep does not vary it; allowed are {', '.join(keys)}."
            )
        return wanted
    if CASE_KEY in keys:
        return CASE_KEY
    words = [key for key in keys if key != SCENARIO_KEY and not _is_numeric(study, key)]
    return (words or list(keys))[-1]


def numeric_key(study: Study, compared: str) -> str | None:
    """Give the parameter that makes an axis: the first with numbers that is not compared."""
    for key in study.plan.parameters:
        if key != compared and _is_numeric(study, key):
            return key
    return None


def _is_numeric(study: Study, key: str) -> bool:
    values = [variant.parameters[key] for variant in study.plan.variants]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def value_text(value: Value) -> str:
    """Give a parameter's value for people."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def facets(study: Study, without: Sequence[str]) -> dict[str, list[Group]]:
    """Give groups by what they share: a label of all parameters but ``without``."""
    found: dict[str, list[Group]] = {}
    for group in study.groups:
        found.setdefault(facet_label(group, without), []).append(group)
    return found


def facet_label(group: Group, without: Sequence[str]) -> str:
    """Give a label of all parameters but ``without``."""
    return ", ".join(
        value_text(value) if key in (SCENARIO_KEY, CASE_KEY) else f"{key} = {value_text(value)}"
        for key, value in group.variant.parameters.items()
        if key not in without
    )


def differences(study: Study, compared: str, figures: Sequence[str]) -> list[Difference]:
    """Compare each variant with the first one that differs from it in one parameter only.

    Runs of one seed had the same contacts and messages, so they are compared with each other.
    """
    found: list[Difference] = []
    for where, groups in facets(study, [compared]).items():
        reference = groups[0]
        for other in groups[1:]:
            found.append(
                Difference(
                    where=where,
                    other=value_text(other.variant.parameters[compared]),
                    reference=value_text(reference.variant.parameters[compared]),
                    figures={name: _paired(other, reference, name) for name in figures},
                )
            )
    return found


def _paired(other: Group, reference: Group, figure: str) -> Estimate:
    ones, others = other.values(figure), reference.values(figure)
    seeds = sorted(ones.keys() & others.keys())
    interval = paired_interval([ones[seed] for seed in seeds], [others[seed] for seed in seeds])
    return Estimate(interval, len(seeds))


def is_clear(estimate: Estimate) -> bool:
    """Tell whether an interval of differences leaves 0 out."""
    low, high = estimate.interval.low, estimate.interval.high
    return not math.isnan(low) and (low > 0 or high < 0)
