"""Where the store key comes from."""

from __future__ import annotations

from typing import Protocol


class Keystore(Protocol):
    """Wraps the random store key at rest."""

    def create(self) -> bytes:
        """Make a new 32-byte store key, keep it wrapped, and give it.

        Raises:
            Conflict: there is one already.
        """
        ...

    def unlock(self) -> bytes:
        """Give the 32-byte store key.

        Raises:
            PassphraseWrong: the passphrase does not unwrap it.
            HomeMissing: there is none.
            StoreDamaged: what is there is no wrapped key.
        """
        ...
