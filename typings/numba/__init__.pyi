"""The one function of numba that the simulator uses; numba carries no types of its own."""

from collections.abc import Callable
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

def njit(function: _F, /, *, cache: bool = ...) -> _F: ...
