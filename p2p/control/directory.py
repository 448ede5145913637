"""Which contact a person means by a name, a key or the beginning of a key."""

from __future__ import annotations

from collections.abc import Sequence

from p2p.control.schema import KEY_PREFIX_MIN
from p2p.core.effects import ContactView
from p2p.errors import InvalidInput, UnknownName
from p2p.wire.ids import AccountKey

_HEX = frozenset("0123456789abcdef")
_KEY_DIGITS = 64


class ContactDirectory:
    """The contacts at one moment, to be asked several times in one request."""

    def __init__(self, contacts: Sequence[ContactView]) -> None:
        self._by_key = {contact.account_key.hex(): contact for contact in contacts}
        self._by_name: dict[str, list[ContactView]] = {}
        for contact in contacts:
            self._by_name.setdefault(contact.name, []).append(contact)

    def find(self, reference: str) -> ContactView:
        """Give the one contact that ``reference`` means: a name, a key, or its first digits.

        A reference that fits two contacts is refused rather than guessed: names can come from
        the other side, and one that looks like somebody's key must not catch his mail.

        Raises:
            UnknownName: it fits none.
            InvalidInput: it fits several.
        """
        digits = reference.lower()
        if len(digits) == _KEY_DIGITS and digits in self._by_key:
            return self._by_key[digits]
        fitting = {c.account_key: c for c in self._by_name.get(reference, ())}
        if len(digits) >= KEY_PREFIX_MIN and _HEX.issuperset(digits):
            fitting |= {c.account_key: c for k, c in self._by_key.items() if k.startswith(digits)}
        if not fitting:
            raise UnknownName(f"There is no contact {reference!r}.")
        if len(fitting) > 1:
            raise InvalidInput(
                f"{reference!r} fits {len(fitting)} contacts: use the account key instead."
            )
        return next(iter(fitting.values()))

    def name_of(self, account_key: AccountKey) -> str:
        """Give a contact's name, or the empty string where it is no contact any more."""
        contact = self._by_key.get(account_key.hex())
        return contact.name if contact is not None else ""
