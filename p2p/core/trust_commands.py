"""What the person asks about trust, carried out; and what follows from it on the mesh."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.effects import Effect, Notify
from p2p.core.trust import Trust
from p2p.core.trust_anchors import PinnedAnchor
from p2p.core.trust_events import (
    AnchorsAdded,
    ListTaken,
    StatusListImported,
    TrustChanged,
    TrustCommand,
    TrustForm,
    TrustListImported,
    TrustRemoved,
    TrustResult,
)
from p2p.core.trust_lists import Offered


@dataclass(slots=True)
class TrustCommands:
    """Carries out commands about trust."""

    trust: Trust

    def carry_out(self, command: TrustCommand, now_s: float, effects: list[Effect]) -> TrustResult:
        """Do what was asked, and append what the world is told.

        Raises:
            LocalError, CredentialError: it was refused, and nothing of it happened.
        """
        match command:
            case AnchorsAdded():
                taken = self.trust.add_anchors(command, now_s)
                for view in taken.anchors:
                    effects.append(Notify(TrustChanged("anchor", view.ref, view.label, "added")))
                return taken
            case TrustListImported():
                roots = self.trust.list_roots(command.root)
                offered = Offered(command.form, command.data, private=command.private)
                return self._import(offered, now_s, effects, roots)
            case StatusListImported():
                offered = Offered(TrustForm.STATUS, command.data, private=command.private)
                return self._import(offered, now_s, effects, None)
            case TrustRemoved():
                gone = self.trust.forget(command.reference)
                effects.append(Notify(TrustChanged(gone.kind, gone.ref, gone.name, "removed")))
                return gone

    def _import(
        self,
        offered: Offered,
        now_s: float,
        effects: list[Effect],
        roots: list[PinnedAnchor] | None,
    ) -> ListTaken:
        taken = self.trust.take(offered, now_s, roots)
        view = self.trust.list_view(taken.name, now_s)
        if taken.new:
            effects.append(Notify(TrustChanged(view.form, view.ref, view.name, "imported")))
        return ListTaken(view, taken.new, self.trust.clock(now_s))
