"""What a node trusts, for fakes: one anchor, one list of issuers, one status list."""

from __future__ import annotations

from dataclasses import replace

from p2p.core.trust.events import (
    AnchorPurpose,
    AnchorsAdded,
    AnchorsTaken,
    AnchorView,
    ClockView,
    ListTaken,
    ListView,
    Standing,
    StatusListImported,
    TrustCommand,
    TrustForgotten,
    TrustForm,
    TrustListImported,
    TrustRemoved,
    TrustResult,
    TrustView,
)
from p2p.errors import CredentialError, UnknownName

NOW_S = 1_760_000_000
ROOT = AnchorView(
    ref="7a" * 32,
    label="Utopia",
    name="CN=Utopia Lab IACA,C=UT",
    purpose=AnchorPurpose.ISSUERS,
    authority=True,
    test=False,
    added_s=NOW_S - 3_600.0,
    as_of_s=NOW_S - 3_600,
    valid_from_s=NOW_S - 86_400,
    valid_until_s=NOW_S + 31_536_000,
)
VICAL = ListView(
    ref="b1" * 32,
    form=TrustForm.VICAL,
    name="Utopia registry",
    standing=Standing.STALE,
    rule="",
    sequence=7,
    issued_s=NOW_S - 2 * 86_400,
    next_update_s=NOW_S - 86_400,
    entries=3,
    skipped=1,
    root="Utopia",
    test=False,
    author="",
    private=False,
    seen_s=NOW_S - 3_000.0,
    size_bytes=2_048,
)
STATUS = replace(
    VICAL,
    ref="5e" * 32,
    form=TrustForm.STATUS,
    name="https://status.example/7",
    standing=Standing.CURRENT,
    sequence=0,
    issued_s=NOW_S - 7_200,
    next_update_s=NOW_S + 3_600,
    entries=1_024,
    skipped=0,
    author="d1" * 32,
)
CLOCK = ClockView(doubtful=False, now_s=float(NOW_S), floor_s=NOW_S - 7_200, floor_from="signed")
NOTHING_TRUSTED = TrustView((), (), CLOCK, NOW_S - 864_000, 0, 604_800, 86_400, 2_592_000)
TRUSTED = replace(NOTHING_TRUSTED, anchors=(ROOT,), lists=(VICAL, STATUS))


def answer(command: TrustCommand) -> TrustResult:
    """Answer a command about trust; ``bad`` data break a rule, only what is shown can go."""
    match command:
        case AnchorsAdded():
            added = replace(ROOT, label=command.label or ROOT.label, test=command.test)
            return AnchorsTaken((replace(added, purpose=command.purpose),), 1)
        case TrustListImported():
            view = replace(VICAL, private=command.private)
            return ListTaken(view, new=True, shared=not command.private, clock=CLOCK)
        case StatusListImported():
            if command.data == b"bad":
                raise CredentialError("status-signature", "The status list is not authentic.")
            return ListTaken(STATUS, command.data != b"known", not command.private, CLOCK)
        case TrustRemoved():
            for shown in (ROOT, VICAL, STATUS):
                if command.reference in (shown.ref, shown.ref[:8]):
                    kind = shown.form.value if isinstance(shown, ListView) else "anchor"
                    return TrustForgotten(kind, shown.ref, shown.name)
            raise UnknownName(f"No anchor and no list is called {command.reference!r}.")
