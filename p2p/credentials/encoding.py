"""Strict text encodings: canonical base64url, base64 of certificates, and JSON.

Python's own decoders are lenient where an attacker profits: ``base64`` skips foreign characters
and ignores leftover bits, ``json`` keeps the last of two equal names and reads NaN. Two readers
that disagree about one token are how signatures get bypassed (RFC 8725 section 2), so here a
text has one reading or none.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from typing import Final, NoReturn, TypeAlias

import msgspec

from p2p.credentials import limits
from p2p.credentials.rules import DEPTH, DUPLICATE, ENCODING, LENGTH, SHAPE, Rule, refused

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

_INTEGER_DIGITS_MAX: Final = 40
_TO_STANDARD: Final = bytes.maketrans(b'-_+/="\\', b"+/!!!!!")
"""From the base64url alphabet to the other one. What is foreign stays foreign, and what could
end or escape a JSON string becomes so, since the text is read as one."""
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_LAST_CHARACTERS: Final = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""By length modulo 4: last characters that leave no bits over. One character alone is nothing."""
_PADDING: Final = (b'"', b'"', b'=="', b'="')
_BASE64_STRING: Final = msgspec.json.Decoder(bytes)
"""Bytes as JSON has them, strict base64 with padding: read in half of the time that binascii's
strict mode takes. It leaves left-over bits alone, which are looked at here."""
_STRING_OR_BRACKET: Final = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL
)
"""Every quote that starts a match also ends one, so that the scan is linear."""


def base64url_encode(data: bytes) -> str:
    """The base64url text of the bytes, without padding (RFC 7515 appendix C)."""
    standard = binascii.b2a_base64(data, newline=False)
    return standard.translate(_TO_URL_SAFE, b"=").decode("ascii")


def base64url_decode(text: str, what: str) -> bytes:
    """The bytes of a canonical base64url text without padding.

    Canonical means that encoding the result gives the same text again: no padding, no white
    space, no character of the other alphabet, no bits left over in the last character.

    Raises:
        CredentialError: rule ``encoding``.
    """
    surplus = len(text) % 4
    if surplus and text[-1] not in _LAST_CHARACTERS[surplus]:
        raise refused(ENCODING, f"{what} is not canonical base64url.")
    try:
        standard = text.encode("ascii").translate(_TO_STANDARD)
        return _BASE64_STRING.decode(b'"' + standard + _PADDING[surplus])
    except (ValueError, msgspec.DecodeError) as exc:
        raise refused(ENCODING, f"{what} is not base64url without padding.") from exc


def base64_decode(text: str, what: str) -> bytes:
    """The bytes of a canonical base64 text with padding, as in ``x5c`` (RFC 7515 section 4.1.6).

    Raises:
        CredentialError: rule ``encoding``.
    """
    try:
        data = _BASE64_STRING.decode(b'"' + text.encode("ascii") + b'"')
    except (ValueError, msgspec.DecodeError) as exc:
        raise refused(ENCODING, f"{what} is not base64.") from exc
    # What the other reader lets pass, left-over bits and escapes, is not what it writes.
    if binascii.b2a_base64(data, newline=False).decode("ascii") != text:
        raise refused(ENCODING, f"{what} is not canonical base64.")
    return data


def decode_json(data: bytes, what: str, values_max: int = limits.JSON_VALUES_MAX) -> JsonValue:
    """The one value of a JSON text.

    Nesting and the number of values are counted on the bytes before anything is built. Most
    tokens are written as a machine writes them. A text that is, byte for byte, what its value is
    written as has no other reading: no name is there twice, nothing follows, no number or escape
    has a second form. So the quick reader's value is taken for such a text alone, and all others
    go to the strict reader, which also says what is wrong with them.

    Raises:
        CredentialError: rules ``encoding``, ``duplicate-member``, ``depth`` or ``length``.
    """
    _bound_json(data, what, values_max)
    try:
        plain: JsonValue = _PLAIN_READER.decode(data)
        if _PLAIN_WRITER.encode(plain) == data:
            _WORD_WRITER.encode(plain)
            return plain
    except (ValueError, OverflowError, msgspec.DecodeError):
        return _decode_strictly(data, what)
    return _decode_strictly(data, what)


def _decode_strictly(data: bytes, what: str) -> JsonValue:
    """The value of a text in any of the forms that JSON allows, if it has one reading."""
    try:
        value = _scan(data.decode("utf-8"))
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates fail here
    except ValueError as exc:
        raise refused(ENCODING, f"{what} is not JSON.") from exc
    return value


def decode_json_object(
    data: bytes, what: str, values_max: int = limits.JSON_VALUES_MAX
) -> JsonObject:
    """The one object of a JSON text; raises as :func:`decode_json`, or by rule ``shape``."""
    value = decode_json(data, what, values_max)
    if not isinstance(value, dict):
        raise refused(SHAPE, f"{what} is not a JSON object.")
    return value


def text_member(members: JsonObject, name: str, rule: Rule, what: str) -> str:
    """A required member that is a string; refused by the given rule otherwise."""
    value = members.get(name)
    if not isinstance(value, str):
        raise refused(rule, f"{what} has no text {name!r}.")
    return value


def require_list_name(name: str, what: str) -> str:
    """What a list is called, if it is short enough to be kept beside it.

    Raises:
        CredentialError: rule ``length``.
    """
    if len(name.encode()) > limits.LIST_NAME_SIZE_MAX_BYTES:
        raise refused(LENGTH, f"{what} has a name of {len(name)} characters.")
    return name


def numeric_date(members: JsonObject, name: str, what: str) -> int | None:
    """A NumericDate member in whole seconds since 1970, or None where it is absent.

    A fraction is cut off (RFC 7519 section 2 allows one).

    Raises:
        CredentialError: rule ``shape``, when it is there and no number of a plausible size.
    """
    if name not in members:
        return None
    value = members[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise refused(SHAPE, f"{what} has a {name!r} that is no date in seconds.")
    return int(value)


def _bound_json(data: bytes, what: str, values_max: int) -> None:
    opened = data.count(b"[") + data.count(b"{")
    if len(data) > values_max and opened + data.count(b",") > values_max:
        raise refused(LENGTH, f"{what} has more than {values_max} values.")
    if opened > limits.JSON_DEPTH_MAX and _is_deep(data):
        raise refused(DEPTH, f"{what} is nested deeper than {limits.JSON_DEPTH_MAX}.")


def _is_deep(data: bytes) -> bool:
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(data):
        match token.group()[:1]:
            case b"[" | b"{":
                depth += 1
                if depth > limits.JSON_DEPTH_MAX:
                    return True
            case b"]" | b"}":
                depth -= 1
            case _:
                pass  # a string, whose brackets are text
    return False


def _scan(text: str) -> JsonValue:
    """The value of a text, as the library's own ``decode`` in fewer steps."""
    begin = 0 if text[:1] in _OPENING else len(text) - len(text.lstrip(_WHITE_SPACE))
    value: JsonValue
    value, end = _JSON.raw_decode(text, begin)
    if end != len(text) and text[end:].strip(_WHITE_SPACE):
        raise ValueError("Something follows the value.")
    return value


def _unique_members(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise refused(DUPLICATE, "A JSON object has the same name twice.")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("A number is out of range.")
    return number


def _bounded_integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS_MAX:
        raise ValueError("A number has too many digits.")
    return int(text)


_PLAIN_READER: Final = msgspec.json.Decoder()
_PLAIN_WRITER: Final = msgspec.json.Encoder()
_WORD_WRITER: Final = msgspec.msgpack.Encoder()
"""Fails for an integer of more than 64 bits, whose digits the strict reader counts."""
_OPENING: Final = ("{", "[")
_WHITE_SPACE: Final = " \t\n\r"
_JSON: Final = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_constant=_no_constant,
    parse_float=_finite,
    parse_int=_bounded_integer,
)
