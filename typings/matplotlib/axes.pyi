"""One panel of a figure."""

from collections.abc import Sequence

from matplotlib.artist import Artist

class Axes:
    def plot(
        self,
        x: Sequence[float],
        y: Sequence[float],
        *,
        color: str = ...,
        linestyle: str = ...,
        linewidth: float = ...,
        marker: str = ...,
        markersize: float = ...,
        alpha: float = ...,
        label: str = ...,
    ) -> list[Artist]: ...
    def errorbar(
        self,
        x: Sequence[float],
        y: Sequence[float],
        *,
        xerr: Sequence[Sequence[float]] | None = ...,
        yerr: Sequence[Sequence[float]] | None = ...,
        fmt: str = ...,
        color: str = ...,
        marker: str = ...,
        markersize: float = ...,
        capsize: float = ...,
        linewidth: float = ...,
        label: str = ...,
    ) -> object: ...
    def fill_between(
        self,
        x: Sequence[float],
        y1: Sequence[float],
        y2: Sequence[float],
        *,
        color: str = ...,
        alpha: float = ...,
        linewidth: float = ...,
    ) -> object: ...
    def annotate(
        self, text: str, xy: tuple[float, float], *, fontsize: float, va: str, ha: str
    ) -> object: ...
    def get_legend_handles_labels(self) -> tuple[list[Artist], list[str]]: ...
    def set_xscale(self, value: str) -> None: ...
    def set_yscale(self, value: str) -> None: ...
    def set_xlabel(self, xlabel: str) -> object: ...
    def set_ylabel(self, ylabel: str) -> object: ...
    def set_title(self, label: str, *, fontsize: float = ...) -> object: ...
    def set_xlim(self, left: float | None = ..., right: float | None = ...) -> object: ...
    def set_ylim(self, bottom: float | None = ..., top: float | None = ...) -> object: ...
    def set_yticks(self, ticks: Sequence[float], labels: Sequence[str]) -> object: ...
