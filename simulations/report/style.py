"""How plots look, and how they become PNG and SVG: without a screen, the same bytes each time."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

COLOURS: Final = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#999999",
)
"""Okabe and Ito's: told apart by people who do not see all colours."""
MARKERS: Final = "osD^vPX*"
PANELS_MAX: Final = 12
LABEL_SIZE_MAX: Final = 48
TITLE_LINE_SIZE_MAX: Final = 40
_RC: Final[dict[str, str | bool | float]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "molva",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "figure.dpi": 100.0,
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.1,
}
_NO_METADATA: Final[dict[str, str | None]] = {
    "Date": None,
    "Creator": None,
    "Format": None,
    "Type": None,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A finished plot.

    Attributes:
        name: of its files, without ending.
        title: what it shows.
        note: what a reader must know of it; may be empty.
    """

    name: str
    title: str
    note: str
    svg: str
    png: bytes


class Canvas:
    """A figure with panels in a row or in rows; drawn in our style."""

    def __init__(self, panels: int, width: float = 4.2, height: float = 3.0) -> None:
        columns = min(panels, 3)
        rows = -(-panels // columns)
        with mpl.rc_context(_RC):
            size = (max(width * columns, 5.0), height * rows + 0.6)
            self._figure = Figure(figsize=size, layout="constrained")
            self.panels: list[Axes] = [
                self._figure.add_subplot(rows, columns, number + 1) for number in range(panels)
            ]

    def legend(self, panel: Axes) -> None:
        """Name the lines of a panel below all panels."""
        handles, names = panel.get_legend_handles_labels()
        if handles:
            with mpl.rc_context(_RC):
                self._figure.legend(
                    handles, names, loc="outside lower center", ncols=min(len(handles), 4)
                )

    def finish(self, name: str, title: str, note: str = "") -> Plot:
        """Give the plot."""
        with mpl.rc_context(_RC), warnings.catch_warnings():
            # Names may hold letters that the font lacks; a box stands for them.
            warnings.filterwarnings("ignore", message=".*[Gg]lyph")
            svg, png = io.StringIO(), io.BytesIO()
            FigureCanvasSVG(self._figure).print_svg(svg, metadata=_NO_METADATA)
            self._figure.set_layout_engine("none")  # what was laid out stays so
            FigureCanvasAgg(self._figure).print_png(png, metadata={"Software": None})
        return Plot(name, title, note, svg.getvalue(), png.getvalue())


def inline_svg(plot: Plot) -> str:
    """Give a plot's SVG for a page: no prologue, no links, ids of its own."""
    _, _, rest = plot.svg.partition("<svg ")
    text = "<svg " + rest
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{plot.name}-", text)


def label(text: str, size_max: int = LABEL_SIZE_MAX) -> str:
    """Give a name for a plot: on one line, cut where it is long, never taken as hidden."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    shown = shown if len(shown) <= size_max else shown[: size_max - 3] + "..."
    return f" {shown}" if shown.startswith("_") else shown


def title(text: str) -> str:
    """Give a panel's title: on at most two lines."""
    lines = textwrap.wrap(label(text, 2 * TITLE_LINE_SIZE_MAX), TITLE_LINE_SIZE_MAX)
    return "\n".join(lines[:2])


def colour(number: int) -> str:
    """Give a line's colour."""
    return COLOURS[number % len(COLOURS)]


def marker(number: int) -> str:
    """Give a line's marker; lines beyond the colours differ by it."""
    return MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]
