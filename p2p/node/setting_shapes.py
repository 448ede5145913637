"""What a setting may be: each shape says what it allows, and tells whether a value will do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from p2p.wire.limits import ELEMENT_SIZE_MAX_BYTES

Value: TypeAlias = bool | int | float | str | tuple[str, ...]

_ADDRESSES_MAX: Final = 64
_OBJECT_ID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,18})){1,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``."""

    def allowed(self) -> str:
        """Say what is allowed."""
        return "true or false"

    def accepts(self, value: object) -> bool:
        """Tell whether a value from the file will do."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer from ``low`` to ``high``."""

    low: int
    high: int

    def allowed(self) -> str:
        """Say what is allowed."""
        return f"a whole number from {self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        """Tell whether a value from the file will do."""
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Number:
    """A number from ``low`` to ``high``."""

    low: float
    high: float

    def allowed(self) -> str:
        """Say what is allowed."""
        return f"a number from {self.low:g} to {self.high:g}"

    def accepts(self, value: object) -> bool:
        """Tell whether a value from the file will do."""
        return type(value) in (int, float) and self.low <= float(str(value)) <= self.high


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few names."""

    names: tuple[str, ...]

    def allowed(self) -> str:
        """Say what is allowed."""
        return "one of " + ", ".join(f'"{name}"' for name in self.names)

    def accepts(self, value: object) -> bool:
        """Tell whether a value from the file will do."""
        return isinstance(value, str) and value in self.names


@dataclass(frozen=True, slots=True)
class ElementName:
    """The name of an element of a credential, or nothing."""

    def allowed(self) -> str:
        """Say what is allowed."""
        return 'the name of an element, such as "age_over_18", or ""'

    def accepts(self, value: object) -> bool:
        """Tell whether a value from the file will do."""
        if not isinstance(value, str) or len(value) > ELEMENT_SIZE_MAX_BYTES:
            return False
        return not value or (value.isascii() and value.replace("_", "").isalnum())


@dataclass(frozen=True, slots=True)
class Addresses:
    """A list of multiaddresses; ``ending`` says how each must end."""

    ending: str

    def allowed(self) -> str:
        """Say what is allowed."""
        return f"a list of at most {_ADDRESSES_MAX} multiaddresses{self.ending}"

    def accepts(self, value: object) -> bool:
        """Tell whether a value from the file will do, as far as this table can."""
        if not isinstance(value, tuple) or len(cast("tuple[object, ...]", value)) > _ADDRESSES_MAX:
            return False
        members = cast("tuple[object, ...]", value)
        return all(isinstance(one, str) and one.startswith("/") for one in members)


@dataclass(frozen=True, slots=True)
class ObjectId:
    """A dotted object identifier, as of an extended key usage."""

    def allowed(self) -> str:
        """Say what is allowed."""
        return "a dotted object identifier"

    def accepts(self, value: object) -> bool:
        """Tell whether a value from the file will do."""
        return isinstance(value, str) and _OBJECT_ID.fullmatch(value) is not None


Shape: TypeAlias = Flag | Whole | Number | OneOf | ElementName | ObjectId | Addresses
