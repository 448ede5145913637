"""How large an area may be."""

from __future__ import annotations

from typing import Final

CELLS_MAX: Final = 2**20
"""Ranges along a side of the area; numbers of cells stay far below 2^63."""
