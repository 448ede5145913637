"""What no frame may show, and what no frame may promise in vain."""

from __future__ import annotations

from simulations.checkers.finding import FINDINGS_MAX, Finding
from simulations.protocol.ledger import TEXT_MARK


class Plaintext:
    """Looks for the text of messages in frames on the air; the real suite only, for it to be right.

    Every message's text begins with a mark that ciphertext never shows by chance.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._mark = TEXT_MARK.encode()

    def look(self, time_s: float, sender: int, frame: bytes) -> None:
        """Look at one frame."""
        if self._mark in frame and len(self.findings) < FINDINGS_MAX:
            sentence = f"a frame of {len(frame)} bytes shows the text of a message."
            self.findings.append(Finding(time_s, sender, "safety", sentence))
