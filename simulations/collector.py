"""Python's collector of cycles, out of the way of a run.

It looks through all objects again and again, and a run has made most of its own before it begins:
thousands of sessions, with their tags. Reference counts free nearly everything that comes after.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

OBJECTS_BETWEEN: Final = 20_000
"""So many more objects than before have it look at the youngest; Python's own number is 700."""


@contextmanager
def seldom_collected() -> Generator[None]:
    """Let the collector pass by all that is there, and look seldom at what comes."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
