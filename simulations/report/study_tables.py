"""The tables of a sweep: what each variant achieved, and differences seed by seed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import Final

from simulations.report.numbers import estimate_text
from simulations.report.page import Table
from simulations.report.study import (
    Difference,
    Estimate,
    Study,
    differences,
    is_clear,
    value_text,
)
from simulations.sweep.figures import FIGURE, FIGURES, LOSSES, MAIN_FIGURES

COMPARED: Final = (
    "delivery_ratio",
    "latency_median_s",
    "latency_p95_s",
    "overhead_ratio",
    "bytes_on_air",
    "healing_s",
)
_EXTRA: Final = ("oracle_delivery_ratio", "behind_oracle_s", "hops_mean", "healed", "healing_s")
_INTERVALS: Final = "Means over seeds with 95 % intervals (Student's t) in brackets."
_ONE_SEED: Final = (
    "One seed only: these figures have no interval, and say little about other seeds."
)


def study_tables(study: Study, compared: str) -> list[Table]:
    """Give the tables that a page shows."""
    news = study.figures_with_news()
    note = _ONE_SEED if study.seeds == 1 else _INTERVALS
    main = [name for name in MAIN_FIGURES if name in news]
    extra = [name for name in _EXTRA if name in news]
    losses = [f"lost_{why}" for why, _, _ in LOSSES if f"lost_{why}" in news]
    tables = [_summary("summary", "What each variant achieved", note, study, main)]
    if extra:
        tables.append(_summary("more", "The oracle, ways and healing", note, study, extra))
    if losses:
        title = "Messages lost, by cause"
        tables.append(_summary("losses", title, note, study, ["created", *losses]))
    found = differences(study, compared, [name for name in COMPARED if name in news])
    if found:
        tables.append(_differences(found, compared))
    return tables


def _summary(name: str, title: str, note: str, study: Study, figures: Sequence[str]) -> Table:
    keys = study.plan.parameters
    head = [*keys, "seeds", *(FIGURE[figure].title for figure in figures)]
    rows = [
        [
            *(value_text(group.variant.parameters[key]) for key in keys),
            str(len(group.results)),
            *(estimate_text(group.estimate(figure), figure) for figure in figures),
        ]
        for group in study.groups
    ]
    return Table(name, title, note, head, rows)


def _differences(found: Sequence[Difference], compared: str) -> Table:
    figures = list(found[0].figures)
    rows = [
        [
            one.where or "all",
            f"{one.other} - {one.reference}",
            *(_difference_text(one.figures[figure], figure) for figure in figures),
        ]
        for one in found
    ]
    note = (
        "Differences of runs with the same seed, and so with the same contacts and messages "
        "(common random numbers), with 95 % intervals. * marks an interval without 0. Each "
        "interval stands for itself: of twenty without any true difference, one is marked by "
        "chance. Latency is that of delivered messages: who delivers more may look slower."
    )
    head = ["with", compared, *(FIGURE[figure].title for figure in figures)]
    return Table("differences", f"Differences between values of {compared}", note, head, rows)


def _difference_text(estimate: Estimate, figure: str) -> str:
    text = estimate_text(estimate, figure, signed=True)
    return f"{text} *" if is_clear(estimate) else text


def summary_csv(study: Study) -> str:
    """Give every figure of every variant: mean, bounds, seeds; empty where there is nothing."""
    keys = study.plan.parameters
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*keys, "figure", "unit", "seeds", "mean", "low", "high"])
    for group in study.groups:
        values = [group.variant.parameters[key] for key in keys]
        for figure in FIGURES:
            estimate = group.estimate(figure.name)
            if estimate.seeds:
                numbers = _numbers(estimate)
                writer.writerow([*values, figure.name, figure.unit, estimate.seeds, *numbers])
    return text.getvalue()


def differences_csv(study: Study, compared: str) -> str:
    """Give every difference of every figure: mean, bounds, seeds."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["with", compared, "reference", "figure", "unit", "seeds", "mean", "low", "high"]
    )
    for one in differences(study, compared, [figure.name for figure in FIGURES]):
        for name, estimate in one.figures.items():
            if estimate.seeds:
                row = [one.where, one.other, one.reference, name, FIGURE[name].unit]
                writer.writerow([*row, estimate.seeds, *_numbers(estimate)])
    return text.getvalue()


def _numbers(estimate: Estimate) -> Iterator[str]:
    interval = estimate.interval
    for value in (interval.estimate, interval.low, interval.high):
        yield "" if math.isnan(value) else repr(value)
