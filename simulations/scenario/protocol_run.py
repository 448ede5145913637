"""Runs a world at protocol fidelity: production nodes, and their lines for the observers."""

from __future__ import annotations

import zlib
from typing import Final

from p2p.core.effects import CustodyDropped, CustodyTaken, MessageChanged, MessageReceived, Notice
from p2p.ports.entropy import Entropy
from p2p.ports.store import Direction, MessageState, Tier
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.frames import Taken, decode_frame
from p2p.wire.ids import EnvelopeId
from simulations.attackers.interference import interference_of
from simulations.checkers.finding import FINDINGS_MAX, Finding
from simulations.checkers.frames import Plaintext
from simulations.observer import Field
from simulations.observer import Observer as Lines
from simulations.protocol.ledger import index_of
from simulations.protocol.options import ProtocolOptions
from simulations.protocol.routers import make_routers
from simulations.protocol.seams import ClockSet, Crash, Fault, Interference, Observer, Restart
from simulations.protocol.world import ProtocolWorld
from simulations.run import Ran
from simulations.scenario.assembly import Assembly
from simulations.scenario.choice import chosen_nodes
from simulations.scenario.troubles import ClockError
from simulations.standin_suite import InsecureStandinSuite
from simulations.trace import Creation, Delivery

_TAKEN_HEAD: Final = b"\x92\x04"
"""An array of two whose first element is the number of :class:`p2p.wire.frames.Taken`."""
_NOBODY: Final = -1


def run_protocol(assembly: Assembly, observer: Lines) -> Ran:
    """Run a world with production nodes.

    Raises:
        InvalidInput: the product has no such router.
    """
    scenario = assembly.scenario
    interference: dict[int, Interference] = {}
    for node, roles in assembly.cast.roles.items():
        attacker = interference_of(roles, assembly.seed, node)
        if attacker is not None:
            interference[node] = attacker
    real = scenario.suite == "real"
    teller = _Teller(observer, real=real)
    options = ProtocolOptions(
        seed=assembly.seed,
        latency_s=scenario.link.latency_s,
        loss=scenario.link.loss,
        visible_recipients=scenario.router.name == "prophet",
        observers=(teller,),
        interference=interference,
        faults=_faults(assembly),
    )
    routers = make_routers(scenario.router.name, scenario.router.copies)
    world = ProtocolWorld(
        assembly.settings,
        assembly.links,
        assembly.creations,
        routers,
        options,
        _real_suite if real else InsecureStandinSuite,
    )
    teller.world = world
    outcome = world.run()
    custody = {
        node: teller.custody(node)
        for node in range(assembly.settings.nodes)
        if node not in assembly.cast.roles
    }
    name = "X3DH and Double Ratchet" if real else "INSECURE-stand-in"
    return Ran(outcome, custody, name, tuple(teller.findings + teller.plaintext.findings))


def _real_suite(entropy: Entropy) -> X3dhSuite:
    """Give the product's suite, whose libraries draw from the operating system."""
    del entropy
    return X3dhSuite()


def _faults(assembly: Assembly) -> list[Fault]:
    found: list[Fault] = []
    end_s = assembly.scenario.end_s
    for outage in assembly.outages:
        found.append(Crash(outage.from_s, outage.node))
        if outage.until_s <= end_s:
            found.append(Restart(outage.until_s, outage.node, with_memory=not outage.forgets))
    for number, fault in enumerate(assembly.scenario.faults):
        if isinstance(fault, ClockError):
            label = f"fault {number}"
            nodes = chosen_nodes(
                fault, assembly.scenario.nodes, assembly.links, assembly.seed, label
            )
            found += [ClockSet(fault.at_s, node, fault.offset_s) for node in nodes]
    return found


class _Teller(Observer):
    """Tells observers in their lines what the protocol world does, and checks its frames."""

    world: ProtocolWorld

    def __init__(self, lines: Lines, *, real: bool) -> None:
        self.findings: list[Finding] = []
        self.plaintext = Plaintext()
        self._lines = lines
        self._real = real
        self._carried: dict[tuple[int, str], int] = {}
        self._own: set[tuple[int, str]] = set()
        self._hops: dict[str, int] = {}
        self._taken: dict[int, set[EnvelopeId]] = {}

    def custody(self, node: int) -> set[str]:
        """Give the messages that a node's store holds; its own among them until they are proven."""
        world = self.world
        store = world.seats[node].store
        rows = [(row.id, row.tier) for row in store.custody()]
        present: set[str] = set()
        for envelope, tier in rows:
            creation = world.creation_of(envelope)
            if creation is not None and tier is not Tier.OWN:
                present.add(creation.name)
        return present | {name for owner, name in self._own if owner == node}

    # --- what the world says ---------------------------------------------------------------------

    def created(self, time_s: float, creation: Creation, *, accepted: bool) -> None:
        """A message exists, or could not be written."""
        if accepted:
            self._own.add((creation.source, creation.name))
            fields = (creation.name, creation.destination, creation.size_bytes)
            self._lines.note(time_s, creation.source, "created", fields)
        else:
            self._lines.note(time_s, creation.source, "refused", (creation.name,))

    def delivered(self, delivery: Delivery, *, timely: bool) -> None:
        """Remember the way of a first arrival for the notice that follows."""
        del timely
        self._hops[delivery.creation.name] = delivery.hops

    def noticed(self, time_s: float, node: int, notice: Notice) -> None:
        """A node told its shell."""
        match notice:
            case MessageReceived(message):
                self._receive(time_s, node, message.text)
            case CustodyTaken(envelope, _):
                self._take(time_s, node, envelope)
            case CustodyDropped(envelope, why):
                self._drop(time_s, node, envelope, why)
            case MessageChanged(message_id, _, state, _):
                row = self.world.seats[node].store.message(message_id, Direction.OUT)
                if row is not None and state in (MessageState.DELIVERED, MessageState.EXPIRED):
                    why = "proven" if state is MessageState.DELIVERED else "expired"
                    self._end(time_s, node, row.text, why)
            case _:
                pass

    def sent(
        self, time_s: float, sender: int, receiver: int, frame: bytes, size_bytes: int
    ) -> None:
        """A frame is on its way: it must show nothing, and promise what is true."""
        del receiver, size_bytes
        if self._real:
            self.plaintext.look(time_s, sender, frame)
        if frame[:2] == _TAKEN_HEAD and sender not in self.world.options.interference:
            taken = decode_frame(frame)
            if isinstance(taken, Taken):
                for envelope in taken.ids:
                    self._promise(time_s, sender, EnvelopeId(envelope))

    def arrived(
        self, time_s: float, sender: int, receiver: int, frame: bytes, size_bytes: int
    ) -> None:
        """A frame is there."""
        check = 0 if self._real else zlib.crc32(frame)
        self._lines.note(time_s, receiver, "frame", (sender, size_bytes, frame[1], check))

    def linked(self, time_s: float, first: int, second: int, *, up: bool) -> None:
        """A link opened or closed."""
        self._lines.note(time_s, first, "link-up" if up else "link-down", (second,))

    def faulted(self, time_s: float, fault: Fault) -> None:
        """A node went off or on."""
        match fault:
            case Crash():
                self._lines.note(time_s, fault.node, "crashed", ())
            case Restart():
                if not fault.with_memory:
                    self._forget(time_s, fault.node)
                self._lines.note(time_s, fault.node, "restarted", ())
            case _:
                self._lines.note(time_s, fault.node, "noted", (type(fault).__name__,))

    # --- what that means -------------------------------------------------------------------------

    def _name(self, text: str) -> str | None:
        index = index_of(text)
        return None if index is None else self.world.creations[index].name

    def _receive(self, time_s: float, node: int, text: str) -> None:
        name = self._name(text)
        if name is not None:
            self._lines.note(time_s, node, "delivered", (name, self._hops.get(name, 0)))

    def _take(self, time_s: float, node: int, envelope: EnvelopeId) -> None:
        """Several envelopes may carry one message; the first one counts."""
        self._taken.setdefault(node, set()).add(envelope)
        creation = self.world.creation_of(envelope)
        if creation is None:
            return
        key = (node, creation.name)
        self._carried[key] = self._carried.get(key, 0) + 1
        if self._carried[key] == 1:
            fields: tuple[Field, ...] = (creation.name, _NOBODY, 0, 0)
            self._lines.note(time_s, node, "kept", fields)

    def _drop(self, time_s: float, node: int, envelope: EnvelopeId, why: str) -> None:
        creation = self.world.creation_of(envelope)
        if creation is None:
            return
        key = (node, creation.name)
        self._carried[key] = self._carried.get(key, 0) - 1
        if self._carried[key] == 0:
            self._lines.note(time_s, node, "dropped", (creation.name, why))

    def _end(self, time_s: float, node: int, text: str, why: str) -> None:
        name = self._name(text)
        if name is not None and (node, name) in self._own:
            self._own.discard((node, name))
            self._lines.note(time_s, node, "dropped", (name, why))

    def _forget(self, time_s: float, node: int) -> None:
        self._own = {key for key in self._own if key[0] != node}
        for key in [key for key in self._carried if key[0] == node]:
            del self._carried[key]
        self._taken.pop(node, None)
        self._lines.note(time_s, node, "forgot", ())

    def _promise(self, time_s: float, node: int, envelope: EnvelopeId) -> None:
        """`Taken` leaves after the envelope is durable, or has reached its recipient here."""
        creation = self.world.creation_of(envelope)
        if creation is None or creation.destination == node:
            return
        if envelope in self._taken.get(node, ()):
            return
        if len(self.findings) < FINDINGS_MAX:
            sentence = f"Taken was said of message {creation.name}, which was never in custody."
            self.findings.append(Finding(time_s, node, "safety", sentence))
