"""What the person asks about trust, carried out; and what follows from it on the mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace

from p2p.core.effects import Effect, Notify
from p2p.core.records.records import Records
from p2p.core.trust.anchors import PinnedAnchor
from p2p.core.trust.events import (
    AnchorsAdded,
    AnchorsTaken,
    ListTaken,
    StatusListImported,
    TrustChanged,
    TrustCommand,
    TrustForgotten,
    TrustForm,
    TrustListImported,
    TrustRemoved,
    TrustResult,
    TrustView,
)
from p2p.core.trust.lists import Offered
from p2p.core.trust.records import TrustRecords
from p2p.core.trust.trust import Trust


@dataclass(slots=True)
class TrustCommands:
    """Carries out commands about trust."""

    trust: Trust
    mesh: TrustRecords

    def view(self, now_s: float) -> TrustView:
        """Give what this node trusts, and how many lists it carries for others."""
        return replace(self.trust.view(now_s), carried=self.mesh.carried_for_others())

    def carry_out(self, command: TrustCommand, now_s: float, effects: list[Effect]) -> TrustResult:
        """Do what was asked, and append what the world is told.

        Raises:
            LocalError, CredentialError: it was refused, and nothing of it happened.
        """
        match command:
            case AnchorsAdded():
                return self._add(command, now_s, effects)
            case TrustListImported():
                roots = self.trust.list_roots(command.root)
                offered = Offered(command.form, command.data, private=command.private)
                return self._import(offered, now_s, effects, roots)
            case StatusListImported():
                offered = Offered(TrustForm.STATUS, command.data, private=command.private)
                return self._import(offered, now_s, effects, None)
            case TrustRemoved():
                return self._remove(command, now_s, effects)

    def _add(self, command: AnchorsAdded, now_s: float, effects: list[Effect]) -> AnchorsTaken:
        taken = self.trust.add_anchors(command, now_s)
        for view in taken.anchors:
            effects.append(Notify(TrustChanged("anchor", view.ref, view.label, "added")))
        effects += self.mesh.look_again(now_s)
        return taken

    def _remove(self, command: TrustRemoved, now_s: float, effects: list[Effect]) -> TrustForgotten:
        gone = self.trust.forget(command.reference)
        effects.append(Notify(TrustChanged(gone.kind, gone.ref, gone.name, "removed")))
        if gone.kind != "anchor":
            self.mesh.withdraw(TrustForm(gone.kind), bytes.fromhex(gone.ref))
        effects += self.mesh.records.rejudge(now_s)
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
            effects.append(Notify(TrustChanged(view.form.value, view.ref, view.name, "imported")))
        shared = False
        if offered.private:
            self.mesh.withdraw(offered.form, taken.name)
        elif taken.held:
            shared = self.mesh.publish(taken, offered.data, now_s)
        if taken.new and offered.form is not TrustForm.STATUS:
            effects += self.mesh.look_again(now_s)
        return ListTaken(view, taken.new, shared, self.trust.clock(now_s))


def make_trust_commands(trust: Trust, records: Records) -> TrustCommands:
    """Give the commands of a node, and have trust judge what comes in records."""
    mesh = TrustRecords(trust, records)
    records.reader = mesh
    return TrustCommands(trust, mesh)
