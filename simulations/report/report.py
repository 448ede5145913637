"""A report from a folder to a folder: of a sweep, or of a single run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2p.errors import InvalidInput
from simulations.formats.graphml import graphml_text
from simulations.report.numbers import number_text
from simulations.report.page import Page, Table, page_html, table_markdown
from simulations.report.single import MANIFEST_FILE_NAME, Single, read_single
from simulations.report.single_plots import robustness_plot, single_plots
from simulations.report.study import Study, compared_key, read_study
from simulations.report.study_plots import study_plots
from simulations.report.study_tables import differences_csv, study_tables, summary_csv
from simulations.report.style import Plot
from simulations.scenario.assembly import scenario_links
from simulations.scenario.model import Scenario
from simulations.sweep.figures import FIGURES
from simulations.sweep.folder import SweepFolder
from simulations.sweep.grid import SCENARIO_KEY
from simulations.sweep.plan import PLAN_FILE_NAME
from simulations.temporal import RemovalOrder, Step, robustness
from simulations.trace import ContactChange
from simulations.world.contact_cache import cache_folder

PAGE_FILE_NAME: Final = "report.html"
REMOVED_SHARES: Final = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
WORK_MAX: Final = 4_000_000
"""Contact changes passed for one network's robustness; larger networks begin fewer windows."""
WORLDS_MAX: Final = 6

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class World:
    """The network of one scenario under one seed."""

    name: str
    scenario: Scenario
    seed: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a report wrote.

    Attributes:
        page: the page's file.
        files: all files, by name within the folder.
        tables: what the page's tables say.
    """

    page: Path
    files: Sequence[str]
    tables: Sequence[Table]
    warnings: Sequence[str]


def write_report(folder: Path, out: Path, compare: str | None, say: Say) -> Report:
    """Read a sweep's or a run's folder, and write its report.

    Args:
        compare: the parameter whose values are compared; None chooses one.
        say: is told what is being worked out.

    Raises:
        InvalidInput: the folder is neither, is damaged, or ``out`` cannot be written.
        StoreFull: there is no room.
    """
    if (folder / PLAN_FILE_NAME).is_file():
        return _report_study(read_study(folder), out, compare, say)
    if (folder / MANIFEST_FILE_NAME).is_file():
        if compare is not None:
            raise InvalidInput(f"--compare {compare}: {folder} is a single run, not a sweep.")
        return _report_single(read_single(folder), out, say)
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; name one that a sweep or a run has filled.")
    raise InvalidInput(
        f"{folder} holds neither a sweep nor a run: there is no {PLAN_FILE_NAME} and no "
        f"{MANIFEST_FILE_NAME}."
    )


def _report_study(study: Study, out: Path, compare: str | None, say: Say) -> Report:
    compared = compared_key(study, compare)
    say("tables and plots")
    tables = study_tables(study, compared)
    plots = study_plots(study, compared)
    extra, warnings = _networks(_worlds(study), say)
    plan = study.plan
    warnings = [*_cautions(study), *warnings]
    facts = [
        ("Variants, seeds", f"{len(plan.variants)}, {len(plan.seeds)} from {plan.seeds[0]}"),
        ("Fidelity", ", ".join(_distinct(v.scenario.fidelity for v in plan.variants))),
        ("Molva", f"{plan.version}, sources {plan.code_sha256[:16]}"),
        ("Grid (SHA-256)", plan.grid_sha256()),
    ]
    page = Page(plan.name, plan.description, facts, warnings, tables, [*plots, *extra.plots])
    files = {
        "summary.csv": summary_csv(study).encode(),
        "differences.csv": differences_csv(study, compared).encode(),
        **extra.files,
    }
    return _write(out, page, files)


def _report_single(run: Single, out: Path, say: Say) -> Report:
    say("tables and plots")
    manifest = run.manifest
    scenario = manifest.scenario
    extra, warnings = _networks([World(scenario.name, scenario, manifest.seed)], say)
    known = {figure.name: figure for figure in FIGURES}
    rows = [
        (known[name].title, number_text(value, known[name].unit), known[name].about)
        for name, value in manifest.metrics.items()
        if name in known and value is not None
    ]
    one_seed = "One run of one seed: these figures have no interval, and say little about others."
    tables = [Table("figures", "Figures", one_seed, ("figure", "value", "what it is"), rows)]
    losses = run.losses()
    if losses:
        counts = [(why, str(count)) for why, count in losses.items()]
        note = f"Of {len(run.messages)} messages."
        head = ("cause", "messages")
        tables.append(Table("losses", "Messages lost, by cause", note, head, counts))
    facts = [
        ("Seed", str(manifest.seed)),
        ("Fidelity", f"{scenario.fidelity}, sealed by {manifest.suite}"),
        ("Molva", manifest.version),
        ("Event log (SHA-256)", manifest.event_log_sha256),
    ]
    if manifest.findings:
        warnings = [f"Checkers found {len(manifest.findings)} faults in this run.", *warnings]
    title = f"{scenario.name}, seed {manifest.seed}"
    plots = [*single_plots(run), *extra.plots]
    page = Page(title, scenario.description, facts, warnings, tables, plots)
    return _write(out, page, dict(extra.files))


@dataclass(frozen=True, slots=True)
class _Extra:
    """What a report says of the networks themselves."""

    plots: Sequence[Plot]
    files: Mapping[str, bytes]


def _networks(worlds: Sequence[World], say: Say) -> tuple[_Extra, list[str]]:
    steps: dict[str, dict[str, list[Step]]] = {}
    files: dict[str, bytes] = {}
    warnings: list[str] = []
    for number, world in enumerate(worlds[:WORLDS_MAX]):
        say(f"contacts of {world.name}")
        try:
            links = scenario_links(world.scenario, world.seed, cache_folder())
        except InvalidInput as error:
            warnings.append(f"The contacts of {world.name} are not shown: {error}")
            continue
        scenario = world.scenario
        text = graphml_text(world.name, scenario.nodes, links, scenario.end_s)
        suffix = "" if len(worlds) == 1 else f"-{number}"
        files[f"contacts{suffix}.graphml"] = text.encode()
        found = _robustness(world, links)
        if found:
            steps[world.name] = found
        else:
            warnings.append(f"The network of {world.name} is too large for temporal robustness.")
    plots = [robustness_plot(steps)] if steps else []
    return _Extra(plots, files), warnings


def _robustness(world: World, links: Sequence[ContactChange]) -> dict[str, list[Step]]:
    windows = 2 * len(REMOVED_SHARES)
    starts = min(3, WORK_MAX // max(1, windows * len(links)))
    if not starts:
        return {}
    end_s = world.scenario.end_s
    orders: tuple[RemovalOrder, ...] = ("random", "degree")
    return {
        order: robustness(
            world.scenario.nodes,
            links,
            end_s,
            end_s / 100,
            REMOVED_SHARES,
            order,
            world.seed,
            starts,
        )
        for order in orders
    }


def _worlds(study: Study) -> list[World]:
    """Give the networks of a sweep: of each base scenario, its first variant's first seed."""
    worlds: dict[str, World] = {}
    for variant in study.plan.variants:
        name = str(variant.parameters.get(SCENARIO_KEY, variant.scenario.name))
        worlds.setdefault(name, World(name, variant.scenario, study.plan.seeds[0]))
    return list(worlds.values())


def _cautions(study: Study) -> list[str]:
    warnings: list[str] = []
    if study.missing:
        warnings.append(f"{study.missing} runs of the plan are missing: the sweep is not finished.")
    if study.seeds == 1:
        warnings.append("One seed only: no figure here has an interval.")
    elif study.seeds < 30:
        warnings.append(f"{study.seeds} seeds; 30 and more are usual for figures to be cited.")
    found = sum(
        bool(result.figures.get("findings"))
        for group in study.groups
        for result in group.results.values()
    )
    if found:
        warnings.append(f"Checkers found faults in {found} runs: do not trust them.")
    return warnings


def _write(out: Path, page: Page, files: Mapping[str, bytes]) -> Report:
    everything = dict(files)
    everything["tables.md"] = "\n".join(table_markdown(table) for table in page.tables).encode()
    for plot in page.plots:
        everything[f"plots/{plot.name}.svg"] = plot.svg.encode()
        everything[f"plots/{plot.name}.png"] = plot.png
    everything[PAGE_FILE_NAME] = page_html(page).encode()
    target = SweepFolder(out)
    for name, data in everything.items():
        target.write(name, data)
    return Report(out / PAGE_FILE_NAME, sorted(everything), page.tables, page.warnings)


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
