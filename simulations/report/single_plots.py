"""The plots of a single run, and of what its network can bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulations.report.single import Single, share_curve
from simulations.report.style import Canvas, Plot, colour, marker
from simulations.temporal import Step

_ONE_SEED = "One run of one seed: there are no intervals."


def single_plots(run: Single) -> list[Plot]:
    """Give the plots of a run."""
    return [_course(run), _delays(run), _against_oracle(run), _buffer(run)]


def robustness_plot(worlds: Mapping[str, Mapping[str, Sequence[Step]]]) -> Plot:
    """Plot what is left of each network as nodes fail.

    Args:
        worlds: by name of the network and order of removal.
    """
    canvas = Canvas(2)
    efficiency, component = canvas.panels
    number = 0
    for world, orders in worlds.items():
        for order, steps in orders.items():
            name = f"{world}, by degree" if order == "degree" else f"{world}, at random"
            shares = [step.removed_share for step in steps]
            for panel, values in (
                (efficiency, [step.robustness for step in steps]),
                (component, [step.largest_share for step in steps]),
            ):
                panel.plot(shares, values, color=colour(number), marker=marker(number), label=name)
            number += 1
    for panel, title in (
        (efficiency, "temporal robustness"),
        (component, "largest temporal component, share"),
    ):
        panel.set_xlabel("share of nodes removed")
        panel.set_ylabel(title)
        panel.set_ylim(-0.02, 1.05)
    canvas.legend(efficiency)
    note = "Of the first seed's contacts. The component is the largest out-component."
    return canvas.finish("robustness", "What is left as nodes fail", note)


def _course(run: Single) -> Plot:
    canvas = Canvas(1, width=6.0)
    (panel,) = canvas.panels
    hours = _hours(run)
    panel.plot(hours, run.course("created"), color=colour(7), label="written")
    panel.plot(hours, run.course("delivered"), color=colour(0), label="delivered")
    panel.set_xlabel("time, hours")
    panel.set_ylabel("messages")
    canvas.legend(panel)
    return canvas.finish("course", "Messages over time", _ONE_SEED)


def _delays(run: Single) -> Plot:
    canvas = Canvas(1, width=6.0)
    (panel,) = canvas.panels
    for number, (until, name) in enumerate((("delivered_s", "this run"), ("oracle_s", "oracle"))):
        delays, shares = share_curve(run.delays(until), len(run.messages))
        panel.plot([delay / 3600 for delay in delays], shares, color=colour(number), label=name)
    panel.set_ylim(-0.02, 1.02)
    panel.set_xlabel("delay, hours")
    panel.set_ylabel("share of all messages")
    canvas.legend(panel)
    title = "Latency: share of all messages delivered within a delay"
    return canvas.finish("latency-cdf", title, _ONE_SEED)


def _against_oracle(run: Single) -> Plot:
    canvas = Canvas(1, width=5.0, height=4.2)
    (panel,) = canvas.panels
    pairs = [(best / 3600, took / 3600) for best, took in run.pairs()]
    most = max((took for _, took in pairs), default=1.0)
    panel.plot([0, most], [0, most], color="black", linestyle="--", linewidth=1, label="the oracle")
    panel.plot(
        [best for best, _ in pairs],
        [took for _, took in pairs],
        linestyle="none",
        marker="o",
        markersize=3,
        alpha=0.5,
        color=colour(0),
        label="a message",
    )
    panel.set_xlabel("the oracle's delay, hours")
    panel.set_ylabel("this run's delay, hours")
    canvas.legend(panel)
    note = "Nothing can be below the line: no router is earlier than the oracle."
    return canvas.finish("oracle", "Delay against the oracle", note)


def _buffer(run: Single) -> Plot:
    canvas = Canvas(1, width=6.0)
    (panel,) = canvas.panels
    megabytes = [value / 1e6 for value in run.course("buffered_bytes")]
    panel.plot(_hours(run), megabytes, color=colour(2))
    panel.set_xlabel("time, hours")
    panel.set_ylabel("in custody at all nodes, MB")
    panel.set_ylim(bottom=0)
    return canvas.finish("buffer", "Buffer occupancy over time", _ONE_SEED)


def _hours(run: Single) -> list[float]:
    return [time_s / 3600 for time_s in run.course("time_s")]
