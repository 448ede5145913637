"""The part of matplotlib that the simulator calls, typed: its own types leave much unknown."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

def rc_context(rc: Mapping[str, str | bool | float]) -> AbstractContextManager[None]: ...
