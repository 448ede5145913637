"""One page that needs nothing else: no links to anywhere, no scripts, plots inside."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulations.report.style import Plot, inline_svg

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
  padding: 0 1rem; color: #222; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid #888; vertical-align: bottom; white-space: normal; }
.warn { background: #fff3cd; border: 1px solid #e0c46c; padding: .5rem .8rem; }
.note { color: #555; font-size: 13px; }
figure { margin: 1rem 0; } svg { max-width: 100%; height: auto; }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column names the rows. ``note`` may be empty."""

    name: str
    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds, top to bottom.

    Attributes:
        facts: name and value of what identifies the results.
        warnings: sentences that nobody should overlook.
    """

    title: str
    description: str
    facts: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    tables: Sequence[Table]
    plots: Sequence[Plot]


def page_html(page: Page) -> str:
    """Give the page; every name in it is escaped."""
    title = html.escape(page.title)
    parts = [
        "<!doctype html>\n",
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
        f"<h1>{title}</h1>\n",
    ]
    if page.description:
        parts.append(f"<p>{html.escape(page.description)}</p>\n")
    parts.extend(f'<p class="warn">{html.escape(text)}</p>\n' for text in page.warnings)
    parts.extend(_table(table) for table in page.tables)
    parts.extend(_figure(plot) for plot in page.plots)
    parts.append("<h2>Where this comes from</h2>\n<table>\n")
    parts.extend(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>\n"
        for name, value in page.facts
    )
    parts.append("</table>\n</body>\n</html>\n")
    return "".join(parts)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n"
        for row in table.rows
    )
    note = f'<p class="note">{html.escape(table.note)}</p>\n' if table.note else ""
    return (
        f"<h2>{html.escape(table.title)}</h2>\n{note}"
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n'
        "</table></div>\n"
    )


def _figure(plot: Plot) -> str:
    note = f'<figcaption class="note">{html.escape(plot.note)}</figcaption>' if plot.note else ""
    return f"<h2>{html.escape(plot.title)}</h2>\n<figure>\n{inline_svg(plot)}{note}</figure>\n"


def table_markdown(table: Table) -> str:
    """Give a table for documents in Markdown."""
    lines = [f"### {_cell(table.title)}", "", _line(table.head)]
    lines.append("|" + "---|" * len(table.head))
    lines.extend(_line(row) for row in table.rows)
    return "\n".join([*lines, "", _cell(table.note), ""]) if table.note else "\n".join([*lines, ""])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    one_line = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "|\\<>*_`[]" else letter for letter in one_line)
