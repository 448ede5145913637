"""A figure without a window."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes

class Figure:
    def __init__(self, *, figsize: tuple[float, float], layout: str = ...) -> None: ...
    def set_layout_engine(self, layout: str) -> None: ...
    def add_subplot(self, rows: int, columns: int, index: int) -> Axes: ...
    def legend(
        self, handles: Sequence[Artist], labels: Sequence[str], *, loc: str, ncols: int
    ) -> object: ...
