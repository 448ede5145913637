"""Hold parts of the tree to a floor of coverage: ``coverage_floor.py REPORT.json PART...``.

Lines and branches are held to the floor separately, for a part may have few branches and many
lines: an average of both would let untested branches hide.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FLOOR_PERCENT = 95.0


def _share(covered: int, total: int) -> float:
    return 100.0 if total == 0 else 100.0 * covered / total


def _measure(files: dict[str, dict[str, dict[str, int]]], part: str) -> tuple[float, float]:
    """Give the percentages of lines and of branches covered under ``part``."""
    summaries = [entry["summary"] for name, entry in files.items() if name.startswith(part + "/")]
    if not summaries:
        raise SystemExit(f"No file under {part} was measured.")

    def total(key: str) -> int:
        return sum(summary[key] for summary in summaries)

    return (
        _share(total("covered_lines"), total("num_statements")),
        _share(total("covered_branches"), total("num_branches")),
    )


def main(report: str, *parts: str) -> int:
    """Print a line for each part and give 1 if one is below the floor."""
    files = json.loads(Path(report).read_text())["files"]
    status = 0
    for part in parts:
        lines, branches = _measure(files, part)
        low = min(lines, branches) < FLOOR_PERCENT
        verdict = f"below {FLOOR_PERCENT:.0f} %" if low else "good"
        print(f"{part:16} lines {lines:6.2f} %  branches {branches:6.2f} %  {verdict}")
        status |= int(low)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
