"""Signed lists as records: what the person imports goes out, what verifies comes in.

The blob travels unchanged, under a name that is the same on every node and with the list's own
number as version. Who made the record says nothing: a list counts only by the signature in it,
under an anchor that was pinned here. A node without internet so learns of a revocation from a
neighbour, and a lying neighbour changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from p2p.core.effects import Effect, Noted, Notify
from p2p.core.records.reader import Record, Verdict
from p2p.core.records.records import Records
from p2p.core.trust.events import TrustChanged, TrustForm
from p2p.core.trust.lists import Offered
from p2p.core.trust.trust import Taken, Trust
from p2p.credentials.policy import DAY_S
from p2p.credentials.rules import CERTIFICATE, ISSUER_TRUST, STATUS_SIGNATURE
from p2p.errors import Conflict, CredentialError, InvalidInput, TooLarge
from p2p.ports.store import RecordRow, RecordTier
from p2p.wire.limits import RECORD_LIFETIME_MAX_S
from p2p.wire.record import RecordKind

PUBLISHED_S: Final = 30 * DAY_S
"""For how long a list is carried that names no end; one of issuers counts so long when stale."""
FORMS: Final = MappingProxyType(
    {
        int(RecordKind.VICAL): TrustForm.VICAL,
        int(RecordKind.LOTE): TrustForm.LOTE,
        int(RecordKind.STATUS_LIST): TrustForm.STATUS,
    }
)
"""Lists of issuers first: they bring the anchors that status lists are signed under."""
KINDS: Final = MappingProxyType({form: kind for kind, form in FORMS.items()})


@dataclass(slots=True)
class TrustRecords:
    """Implements :class:`p2p.core.records.reader.RecordReader`."""

    trust: Trust
    records: Records

    # --- what comes in ---------------------------------------------------------------------------
    def judge(self, record: Record, now_s: float) -> Verdict:
        """Say whether a list verifies, cannot be judged here, or must not be passed on."""
        header = record.header
        form = FORMS.get(header.kind)
        if form is None or not self.trust.believes_anybody(form):
            return Verdict.KEEP
        try:
            taken = self.trust.authentic(Offered(form, record.body, header.author), now_s)
        except CredentialError as exc:
            return Verdict.KEEP if _is_strange(exc) else Verdict.REFUSE
        named = (header.name, header.version) == (taken.name, taken.version)
        return Verdict.KEEP_VERIFIED if named and (taken.new or taken.held) else Verdict.REFUSE

    def arrived(self, record: Record, row: RecordRow, now_s: float) -> list[Effect]:
        """Let a verified list take effect."""
        form = FORMS.get(row.key.kind)
        if form is None or row.tier is not RecordTier.VERIFIED:
            return []
        effects = self._let_in(Offered(form, record.body, row.key.author), now_s)
        if effects and form is not TrustForm.STATUS:
            effects += self.look_again(now_s)
        return effects

    def look_again(self, now_s: float) -> list[Effect]:
        """Judge all that is carried anew: who is believed has changed."""
        effects: list[Effect] = []
        for kind, form in FORMS.items():
            for row in self.records.all(kind):
                body = self.records.body(row.id)
                if body is not None and self.trust.believes_anybody(form):
                    author = b"" if row.tier is RecordTier.OWN else row.key.author
                    effects += self._take(Offered(form, body, author), now_s)
        return effects + self.records.rejudge(now_s)

    def carried_for_others(self) -> int:
        """Give how many lists are carried that do not count here."""
        ours = (RecordTier.OWN, RecordTier.VERIFIED)
        return sum(row.tier not in ours for kind in FORMS for row in self.records.all(kind))

    # --- what goes out ---------------------------------------------------------------------------
    def publish(self, taken: Taken, data: bytes, now_s: float) -> bool:
        """Give a list that the person imported to the mesh; False where it cannot be."""
        ends_s = taken.expires_s
        if taken.form is not TrustForm.STATUS:
            ends_s = max(taken.expires_s, int(now_s)) + PUBLISHED_S
        longest_s = int(now_s) + RECORD_LIFETIME_MAX_S
        expires_s = float(min(ends_s or int(now_s) + PUBLISHED_S, longest_s))
        kind = KINDS[taken.form]
        try:
            self.records.publish(kind, taken.name, taken.version, data, expires_s, now_s)
        except (Conflict, TooLarge, InvalidInput):
            return False
        return True

    def withdraw(self, form: TrustForm, name: bytes) -> None:
        """Publish a list no more; others keep it until it expires."""
        self.records.withdraw(KINDS[form], name)

    def _take(self, offered: Offered, now_s: float) -> list[Effect]:
        """Let in what verifies and is new, of what is carried unread."""
        try:
            taken = self.trust.authentic(offered, now_s)
        except CredentialError:
            return []
        return self._let_in(offered, now_s) if taken.new else []

    def _let_in(self, offered: Offered, now_s: float) -> list[Effect]:
        try:
            taken = self.trust.take(offered, now_s)
        except CredentialError as exc:
            return [Noted("list-not-taken", (("rule", exc.rule),))]
        if not taken.new:
            return []
        if offered.author:
            self.withdraw(offered.form, taken.name)  # ours is older than this one
        view = self.trust.list_view(taken.name, now_s)
        return [Notify(TrustChanged(view.form.value, view.ref, view.name, "arrived"))]


def _is_strange(error: CredentialError) -> bool:
    """Tell whether a list was signed by somebody whom we know nothing of: others may.

    A list that shows no chain to us, or one made for another purpose, may be good for others; one
    whose signature fails under our own anchor is good for nobody.
    """
    if error.rule != STATUS_SIGNATURE.name:
        return error.rule in (ISSUER_TRUST.name, CERTIFICATE.name)
    cause = error.__cause__
    return not isinstance(cause, CredentialError) or _is_strange(cause)
