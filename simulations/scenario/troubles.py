"""What may go wrong in a scenario, and who may mean harm."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from simulations.scenario.section import (
    LIST_MAX,
    NODES_MAX,
    TIME_MAX_S,
    Address,
    Coordinate,
    Metres,
    Section,
    Share,
    SizeBytes,
    Span,
    Time,
    about,
)

# --- what goes wrong -----------------------------------------------------------------------------


class Chosen(Section, frozen=True, kw_only=True):
    """Which nodes something concerns: exactly one of `nodes`, `count` and `share`."""

    nodes: Annotated[
        Annotated[tuple[Address, ...], Meta(max_length=LIST_MAX)] | None,
        about("These."),
    ] = None
    count: Annotated[Annotated[int, Meta(ge=0, le=NODES_MAX)] | None, about("So many.")] = None
    share: Annotated[Share | None, about("This share of all nodes, rounded.")] = None
    choose: Annotated[
        Literal["random", "degree"],
        about("For `count` and `share`: anybody, or whoever has the most contacts."),
    ] = "random"


class Partition(Section, tag_field="kind", tag="partition", frozen=True, kw_only=True):
    """The nodes fall into sides, and links between sides do not exist, but for ferries'."""

    from_s: Annotated[Time, about("It begins.")] = 0.0
    until_s: Annotated[Time | None, about("It is healed; without it, never.")] = None
    sides: Annotated[int, Meta(ge=2, le=1000), about("How many; nodes fall to them in turn.")] = 2
    ferries: Annotated[
        int, Meta(ge=0, le=NODES_MAX), about("Nodes that the cut does not stop.")
    ] = 0
    trip_s: Annotated[
        Time, about("A ferry spends this long on each side in turn; 0: it reaches all at once.")
    ] = 0.0


class Shutdown(Section, tag_field="kind", tag="shutdown", frozen=True, kw_only=True):
    """The internet is off: no link of `infrastructure` exists."""

    from_s: Annotated[Time, about("It begins.")] = 0.0
    until_s: Annotated[Time | None, about("It ends; without it, never.")] = None


class Churn(Chosen, tag_field="kind", tag="churn", frozen=True, kw_only=True):
    """Nodes are switched off and on again, for exponential times."""

    from_s: Annotated[Time, about("It begins, with everybody on.")] = 0.0
    until_s: Annotated[Time | None, about("It ends, with everybody on; without it, never.")] = None
    on_mean_s: Annotated[Span, about("Mean time on.")]
    off_mean_s: Annotated[Span, about("Mean time off.")]
    memory: Annotated[Literal["kept", "lost"], about("What a node finds when it is on again.")] = (
        "kept"
    )


class Crash(Chosen, tag_field="kind", tag="crash", frozen=True, kw_only=True):
    """Nodes stop at once and start again later."""

    at_s: Annotated[Time, about("When.")]
    down_s: Annotated[Span, about("How long they are down.")]
    memory: Annotated[Literal["kept", "lost"], about("What a node finds when it is on again.")] = (
        "kept"
    )


class MassFailure(Chosen, tag_field="kind", tag="mass-failure", frozen=True, kw_only=True):
    """Many nodes fail at one moment."""

    at_s: Annotated[Time, about("When.")]
    until_s: Annotated[Time | None, about("They are back; without it, never.")] = None


class Jamming(Section, tag_field="kind", tag="jamming", frozen=True, kw_only=True):
    """Inside a disc no contact exists. Needs a mobility model, which knows positions."""

    from_s: Annotated[Time, about("It begins.")] = 0.0
    until_s: Annotated[Time | None, about("It ends; without it, never.")] = None
    center_m: Annotated[tuple[Coordinate, Coordinate], about("Where its middle is: [x, y].")]
    radius_m: Annotated[Metres, about("How far it reaches.")]


class ClockError(Chosen, tag_field="kind", tag="clock-error", frozen=True, kw_only=True):
    """Nodes' clocks are wrong from a moment on. Protocol fidelity only."""

    at_s: Annotated[Time, about("When.")] = 0.0
    offset_s: Annotated[
        float, Meta(ge=-TIME_MAX_S, le=TIME_MAX_S), about("How far ahead they are.")
    ]


Fault: TypeAlias = Partition | Shutdown | Churn | Crash | MassFailure | Jamming | ClockError


# --- who means harm ------------------------------------------------------------------------------


class BlackHole(Chosen, tag_field="kind", tag="black-hole", frozen=True, kw_only=True):
    """Takes others' mail and keeps nothing of it."""


class GreyHole(Chosen, tag_field="kind", tag="grey-hole", frozen=True, kw_only=True):
    """Takes others' mail and keeps only some of it."""

    drop_share: Annotated[Share, about("Share of messages that it drops.")] = 0.5


class Flooder(Chosen, tag_field="kind", tag="flooder", frozen=True, kw_only=True):
    """Sends mail that nobody waits for, to fill buffers and links; it counts for no result."""

    interval_s: Annotated[Span, about("Time between two messages of a flooder.")]
    size_bytes: Annotated[SizeBytes, about("Of each.")] = 100_000
    from_s: Annotated[Time, about("It begins.")] = 0.0
    until_s: Annotated[Time | None, about("It ends; without it, never.")] = None


class Sybil(Chosen, tag_field="kind", tag="sybil", frozen=True, kw_only=True):
    """Pretends to be many: identities beside it, each with contacts like its own."""

    identities: Annotated[int, Meta(ge=1, le=1000), about("How many, beside the node itself.")]
    conduct: Annotated[
        Literal["black-hole", "flooder"], about("What the node and its identities do.")
    ] = "black-hole"
    interval_s: Annotated[Span, about("For flooders: between two messages of one.")] = 60.0
    size_bytes: Annotated[SizeBytes, about("For flooders: of each message.")] = 100_000


class CopiesLiar(Chosen, tag_field="kind", tag="copies-liar", frozen=True, kw_only=True):
    """Says that it was given more copies than it was, so that spray spreads without limit."""

    claim: Annotated[int, Meta(ge=1, le=255), about("Copies that it claims to hold.")] = 255


class ProofLiar(Chosen, tag_field="kind", tag="proof-liar", frozen=True, kw_only=True):
    """Answers offers with forged proofs of delivery. Protocol fidelity only."""


class Replayer(Chosen, tag_field="kind", tag="replayer", frozen=True, kw_only=True):
    """Sends again what it has seen. Protocol fidelity only."""

    interval_s: Annotated[Span, about("Time between two frames sent again.")] = 10.0


Attacker: TypeAlias = BlackHole | GreyHole | Flooder | Sybil | CopiesLiar | ProofLiar | Replayer
