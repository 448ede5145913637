"""Which disclosures of an SD-JWT show one element, and nothing else (RFC 9901 section 7.2).

An element may lie inside others that are hidden themselves, and have hidden parts of its own: to
show it, its ancestors' disclosures are needed, and those of everything inside it. The credential
was read by :func:`p2p.credentials.disclosures.reveal` before, so that its form is certain.
"""

from __future__ import annotations

from p2p.credentials.disclosures import digest_algorithm, hash_text
from p2p.credentials.element_names import SEPARATOR
from p2p.credentials.encoding import JsonObject, JsonValue, base64url_decode, decode_json
from p2p.credentials.sd_jwt import SdJwt

_DEPTH_OF_NAMES = 2
"""Names reach two levels down: what lies deeper is shown with the element that it is part of."""


class DisclosureIndex:
    """The disclosures of one credential, by element name."""

    def __init__(self, parts: SdJwt) -> None:
        self._order = parts.disclosures
        self._by_digest: dict[str, tuple[str, list[JsonValue]]] = {}
        self._above: dict[str, tuple[str, ...]] = {}
        self._inside: dict[str, tuple[str, ...]] = {}
        algorithm = digest_algorithm(parts.token.payload)
        for text in parts.disclosures:
            content = decode_json(base64url_decode(text, "A disclosure"), "A disclosure")
            if isinstance(content, list):
                self._by_digest[hash_text(text, algorithm, "The credential")] = (text, content)
        self._walk_object(parts.token.payload, "", (), 0)

    def covers(self, name: str) -> bool:
        """Whether the element is hidden unless it is disclosed, itself or in its parts."""
        return bool(self._above.get(name) or self._inside.get(name))

    def needed(self, names: tuple[str, ...]) -> list[str]:
        """The disclosures that show these elements, in the issuer's order."""
        wanted: set[str] = set()
        for name in names:
            wanted.update(self._above.get(name, ()))
            wanted.update(self._inside.get(name, ()))
        return [text for text in self._order if text in wanted]

    def shown_with(self, names: tuple[str, ...]) -> list[str]:
        """Elements that whoever is shown these reads as well: one disclosure holds both.

        A claim that was hidden as a whole is shown as a whole, whichever part is asked for. What
        lies above or inside these elements is not named.
        """
        needed = frozenset(self.needed(names))
        return [
            name
            for name, above in self._above.items()
            if above
            and needed.issuperset(above)
            and not any(_is_within(name, one) for one in names)
        ]

    def _walk_object(
        self, members: JsonObject, prefix: str, above: tuple[str, ...], depth: int
    ) -> tuple[str, ...]:
        """Note every member of an object; give the disclosures inside it."""
        inside: tuple[str, ...] = ()
        for name, value in members.items():
            if name not in ("_sd", "_sd_alg"):
                inside += self._note(prefix + name, value, above, depth)
        digests = members.get("_sd", [])
        for digest in digests if isinstance(digests, list) else []:
            text, content = self._by_digest.get(digest if isinstance(digest, str) else "", ("", []))
            if text and len(content) == 3:
                name = prefix + str(content[1])
                inside += (text, *self._note(name, content[2], (*above, text), depth))
        return inside

    def _note(
        self, name: str, value: JsonValue, above: tuple[str, ...], depth: int
    ) -> tuple[str, ...]:
        inside = self._walk(value, name, above, depth + 1)
        if depth < _DEPTH_OF_NAMES:
            self._above[name] = above
            self._inside[name] = inside
        return inside

    def _walk(
        self, value: JsonValue, name: str, above: tuple[str, ...], depth: int
    ) -> tuple[str, ...]:
        if isinstance(value, dict):
            return self._walk_object(value, name + SEPARATOR, above, depth)
        inside: tuple[str, ...] = ()
        for item in value if isinstance(value, list) else []:
            inside += self._walk_item(item, name, above)
        return inside

    def _walk_item(self, item: JsonValue, name: str, above: tuple[str, ...]) -> tuple[str, ...]:
        """Go through one item of a list, hidden or not; its members have no names of their own."""
        if isinstance(item, dict) and "..." in item:
            digest = item["..."]
            text, content = self._by_digest.get(digest if isinstance(digest, str) else "", ("", []))
            if not text or len(content) != 2:
                return ()
            return (text, *self._walk(content[1], name, above, _DEPTH_OF_NAMES))
        return self._walk(item, name, above, _DEPTH_OF_NAMES)


def _is_within(name: str, other: str) -> bool:
    """Whether one of two elements is the other, or a part of it."""
    shorter, longer = sorted((name, other), key=len)
    return longer == shorter or longer.startswith(shorter + SEPARATOR)
