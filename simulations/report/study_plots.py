"""The plots of a sweep: each figure against a parameter, delays, and the oracle's limit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from matplotlib.axes import Axes

from simulations.report.study import Group, Study, facets, numeric_key, value_text
from simulations.report.style import PANELS_MAX, Canvas, Plot, colour, label, marker, title
from simulations.sweep.figures import FIGURE

AGAINST: Final = (
    ("delivery_ratio", "delivery"),
    ("delivered_of_possible", "delivery-of-possible"),
    ("latency_median_s", "latency"),
    ("overhead_ratio", "overhead"),
    ("buffered_bytes_mean", "buffer"),
    ("bytes_on_air", "bytes-on-air"),
    ("healing_s", "healing"),
)
_LOG_SPAN: Final = 20
_MORE: Final = f"Only the first {PANELS_MAX} panels are drawn; the tables hold all."

Panels: TypeAlias = Mapping[str, Sequence[Group]]


def study_plots(study: Study, compared: str) -> list[Plot]:
    """Give the plots of a sweep whose variants are compared by one parameter."""
    axis = numeric_key(study, compared)
    news = study.figures_with_news()
    plots = [
        _against_number(study, figure, name, axis, compared)
        if axis is not None
        else _against_names(study, figure, name, compared)
        for figure, name in AGAINST
        if figure in news
    ]
    if any(group.curves for group in study.groups):
        plots.append(_delays(study, compared))
    return [*plots, _oracle(study, compared)]


def _against_number(study: Study, figure: str, name: str, axis: str, compared: str) -> Plot:
    panels = facets(study, [axis, compared])
    canvas = Canvas(min(len(panels), PANELS_MAX))
    for panel, (where, groups) in zip(canvas.panels, panels.items(), strict=False):
        for number, (value, mine) in enumerate(_by_value(groups, compared).items()):
            points = sorted(((_x(group, axis), group) for group in mine), key=_place)
            _line(panel, [x for x, _ in points], [g for _, g in points], figure, value, number)
        if figure == "delivery_ratio":
            _oracle_line(panel, groups, axis)
        xs = [_x(group, axis) for group in groups]
        if min(xs) > 0 and max(xs) / min(xs) >= _LOG_SPAN:
            panel.set_xscale("log")
        _name_axes(panel, label(axis), figure, where)
    canvas.legend(canvas.panels[0])
    heading = f"{FIGURE[figure].title} against {axis}"
    return canvas.finish(name, heading, _note(study, len(panels)))


def _against_names(study: Study, figure: str, name: str, compared: str) -> Plot:
    panels = facets(study, [compared])
    rows = max(len(groups) for groups in panels.values())
    canvas = Canvas(min(len(panels), PANELS_MAX), height=max(2.2, 0.35 * rows + 1.0))
    for panel, (where, groups) in zip(canvas.panels, panels.items(), strict=False):
        for number, group in enumerate(groups):
            interval = group.estimate(figure).interval
            error = _error(interval.estimate, interval.low, interval.high)
            panel.errorbar(
                [interval.estimate], [number], xerr=error, fmt=marker(0), color=colour(0), capsize=3
            )
        names = [label(value_text(group.variant.parameters[compared])) for group in groups]
        panel.set_yticks(range(len(groups)), names)
        panel.set_ylim(len(groups) - 0.5, -0.5)
        panel.set_xlabel(_axis_title(figure))
        panel.set_title(title(where), fontsize=9)
        if FIGURE[figure].unit == "share":
            panel.set_xlim(-0.02, 1.02)
    return canvas.finish(name, FIGURE[figure].title, _note(study, len(panels)))


def _delays(study: Study, compared: str) -> Plot:
    panels = facets(study, [compared])
    canvas = Canvas(min(len(panels), PANELS_MAX))
    for panel, (where, groups) in zip(canvas.panels, panels.items(), strict=False):
        for number, group in enumerate(groups):
            curve = group.mean_curve()
            hours = [delay / 3600 for delay, _ in curve]
            name = label(value_text(group.variant.parameters[compared]))
            panel.plot(
                hours, [share.estimate for _, share in curve], color=colour(number), label=name
            )
            if group.results and len(group.curves) > 1:
                panel.fill_between(
                    hours,
                    [share.low for _, share in curve],
                    [share.high for _, share in curve],
                    color=colour(number),
                    alpha=0.15,
                    linewidth=0,
                )
        panel.set_ylim(-0.02, 1.02)
        panel.set_xlabel("delay, hours")
        panel.set_ylabel("share of all messages")
        panel.set_title(title(where), fontsize=9)
    canvas.legend(canvas.panels[0])
    heading = "Latency: share of all messages delivered within a delay"
    return canvas.finish("latency-cdf", heading, _note(study, len(panels)))


def _oracle(study: Study, compared: str) -> Plot:
    canvas = Canvas(1, width=5.0, height=4.2)
    panel = canvas.panels[0]
    panel.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--", label="the oracle")
    for number, (value, groups) in enumerate(_by_value(study.groups, compared).items()):
        xs = [group.estimate("oracle_delivery_ratio").interval.estimate for group in groups]
        ys = [group.estimate("delivery_ratio").interval.estimate for group in groups]
        panel.plot(
            xs,
            ys,
            linestyle="none",
            marker=marker(number),
            color=colour(number),
            label=label(value),
        )
    panel.set_xlim(-0.02, 1.02)
    panel.set_ylim(-0.02, 1.02)
    panel.set_xlabel("what the oracle delivers")
    panel.set_ylabel("delivery ratio")
    canvas.legend(panel)
    note = "One point a variant, mean over seeds. No router can be above the line."
    return canvas.finish("oracle", "Delivery against the oracle", note)


def _line(
    panel: Axes, xs: list[float], groups: list[Group], figure: str, name: str, number: int
) -> None:
    found = [group.estimate(figure).interval for group in groups]
    means = [one.estimate for one in found]
    errors = [_error(one.estimate, one.low, one.high) for one in found]
    lows, highs = [error[0][0] for error in errors], [error[1][0] for error in errors]
    panel.errorbar(
        xs,
        means,
        yerr=[lows, highs],
        color=colour(number),
        marker=marker(number),
        markersize=4,
        capsize=3,
        linewidth=1.2,
        label=label(name),
    )


def _oracle_line(panel: Axes, groups: Sequence[Group], axis: str) -> None:
    limits: dict[float, float] = {}
    for group in groups:
        limit = group.estimate("oracle_delivery_ratio").interval.estimate
        limits[_x(group, axis)] = max(limit, limits.get(_x(group, axis), 0.0))
    xs = sorted(limits)
    panel.plot(xs, [limits[x] for x in xs], color="black", linestyle="--", linewidth=1)
    panel.annotate("oracle", (xs[-1], limits[xs[-1]]), fontsize=8, va="bottom", ha="right")


def _name_axes(panel: Axes, x_title: str, figure: str, where: str) -> None:
    panel.set_xlabel(x_title)
    panel.set_ylabel(_axis_title(figure))
    panel.set_title(title(where), fontsize=9)
    if FIGURE[figure].unit == "share":
        panel.set_ylim(-0.02, 1.02)
    else:
        panel.set_ylim(bottom=0)


def _axis_title(figure: str) -> str:
    found = FIGURE[figure]
    return f"{found.title}, {found.unit}" if found.unit in ("s", "bytes") else found.title


def _by_value(groups: Sequence[Group], key: str) -> dict[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(value_text(group.variant.parameters[key]), []).append(group)
    return found


def _place(point: tuple[float, Group]) -> float:
    return point[0]


def _x(group: Group, axis: str) -> float:
    return float(group.variant.parameters[axis])


def _error(estimate: float, low: float, high: float) -> list[list[float]]:
    """Give the lengths of a bar; none for one seed, which has no interval."""
    if math.isnan(low) or math.isnan(high):
        return [[0.0], [0.0]]
    return [[estimate - low], [high - estimate]]


def _note(study: Study, panels: int) -> str:
    bars = "Bars and bands are 95 % intervals over seeds."
    if study.seeds == 1:
        bars = "One seed: there are no intervals."
    return f"{bars} {_MORE}" if panels > PANELS_MAX else bars
