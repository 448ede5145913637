"""Draw delivery against the length of a partition, for three routers, from a sweep's Parquet file.

Make the results first (docs/how-to/run-a-sweep.md)::

    molva-sim sweep simulations/scenarios/grids/partition-lengths.toml --out out/partition-lengths
    python -m examples.partition_lengths out/partition-lengths

writes ``delivery.png`` beside the results, and prints the numbers.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from simulations.metrics import Interval, mean_interval

LENGTH = "faults.0.until_s"
ROUTER = "router.name"
COLUMNS = [LENGTH, ROUTER, "seed", "delivery_ratio", "oracle_delivery_ratio"]
ORACLE = "oracle"


def ratios(results: Path) -> dict[tuple[str, float], list[float]]:
    """Give delivery ratios, one a seed, by router and length in hours; the oracle is one more."""
    found: dict[tuple[str, float], list[float]] = defaultdict(list)
    limits: dict[tuple[float, int], float] = {}
    for row in pq.ParquetFile(results).read(COLUMNS, use_threads=False).to_pylist():
        hours = row[LENGTH] / 3600
        found[row[ROUTER], hours].append(row["delivery_ratio"])
        limits[hours, row["seed"]] = row["oracle_delivery_ratio"]  # the same for every router
    for (hours, _), limit in limits.items():
        found[ORACLE, hours].append(limit)
    return dict(found)


def draw(points: dict[tuple[str, float], Interval], picture: Path) -> None:
    """Draw a line for each router, with 95 % intervals."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    panel = figure.add_subplot(1, 1, 1)
    for router in dict.fromkeys(name for name, _ in points):
        hours = sorted(length for name, length in points if name == router)
        found = [points[router, length] for length in hours]
        panel.errorbar(
            hours,
            [one.estimate for one in found],
            yerr=[
                [one.estimate - one.low for one in found],
                [one.high - one.estimate for one in found],
            ],
            label=router,
            capsize=3,
            color="black" if router == ORACLE else None,
            linestyle="--" if router == ORACLE else "-",
        )
    panel.set_xlabel("length of the partition, hours")
    panel.set_ylabel("share of messages delivered")
    panel.set_ylim(0, 1.05)
    panel.legend()
    FigureCanvasAgg(figure).print_png(picture)


def main() -> int:
    """Read, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m examples.partition_lengths")
    parser.add_argument("folder", type=Path, help="a sweep of grids/partition-lengths.toml")
    folder = parser.parse_args().folder
    try:
        found = ratios(folder / "results.parquet")
    except (OSError, pa.ArrowException, TypeError) as error:
        print(f"{folder} holds no sweep of partition-lengths.toml: {error}", file=sys.stderr)
        return 1
    points = {key: mean_interval(values) for key, values in found.items()}
    for (router, hours), one in sorted(points.items()):
        print(f"{router:<9} {hours:5.1f} h  {one.estimate:.3f} [{one.low:.3f}, {one.high:.3f}]")
    picture = folder / "delivery.png"
    draw(points, picture)
    print(f"The picture is {picture}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
