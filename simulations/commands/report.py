"""``molva-sim report``: tables, plots and one page from a sweep's or a run's folder."""

from __future__ import annotations

from pathlib import Path

import click

from simulations.commands.options import FILE, echo_json


@click.command(epilog="Example: molva-sim report out/grid --compare router.name")
@click.argument("folder", type=FILE, metavar="DIR")
@click.option("--out", type=FILE, help="Folder for the report; unless told, DIR/report.")
@click.option(
    "--compare",
    metavar="KEY",
    help="Compare the values of this parameter seed by seed; unless told, one is chosen.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(folder: Path, out: Path | None, compare: str | None, *, as_json: bool) -> None:
    """Write tables with 95 % intervals, plots (PNG and SVG) and one page from results.

    DIR is what `molva-sim sweep` or `molva-sim run` has filled. The page, report.html, needs no
    other file and no network. Beside it: summary.csv, differences.csv, tables.md, plots/, and the
    contacts as GraphML.
    """
    from simulations.report.report import write_report

    def say(what: str) -> None:
        click.echo(f"molva-sim: {what} ...", err=True)

    written = write_report(folder, out or folder / "report", compare, say)
    if as_json:
        echo_json(
            {
                "page": str(written.page),
                "files": list(written.files),
                "warnings": list(written.warnings),
                "tables": {
                    table.name: {
                        "head": list(table.head),
                        "rows": [list(row) for row in table.rows],
                    }
                    for table in written.tables
                },
            }
        )
        return
    for warning in written.warnings:
        click.echo(f"molva-sim: {warning}", err=True)
    click.echo(f"The report is {written.page}, with {len(written.files) - 1} files beside it.")
