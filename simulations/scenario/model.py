"""What a scenario says, as frozen values.

docs/reference/scenario.md is written from this module and :mod:`simulations.scenario.troubles`.

Every key carries its limits and its meaning, so that the reader, its refusals and the reference
cannot differ. Times are seconds from the start of the run, addresses of nodes count from 0.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from simulations.scenario.section import (
    BYTES_MAX,
    LIST_MAX,
    MESSAGES_MAX,
    NODES_MAX,
    Coordinate,
    FileName,
    Metres,
    Section,
    Share,
    SizeBytes,
    Span,
    Speed,
    Time,
    about,
)
from simulations.scenario.troubles import Attacker, Fault

# --- where contacts come from --------------------------------------------------------------------


class OneTrace(Section, tag_field="source", tag="one", frozen=True, kw_only=True):
    """A contact file of The ONE: lines of `TIME CONN NODE NODE up|down`."""

    file: Annotated[FileName, about("The file; a relative name starts at the scenario's folder.")]


class SocioPatternsTrace(
    Section, tag_field="source", tag="sociopatterns", frozen=True, kw_only=True
):
    """A contact list of SocioPatterns: lines of `TIME PERSON PERSON`."""

    file: Annotated[FileName, about("The file; a relative name starts at the scenario's folder.")]
    interval_s: Annotated[Span, about("The time that a line stands for; it ends at TIME.")] = 20.0


class Mobile(Section, frozen=True, kw_only=True):
    """What every mobility model says."""

    range_m: Annotated[Metres, about("Two nodes at most this far apart are in contact.")]
    step_s: Annotated[Span, about("Positions and contacts are worked out this often.")] = 1.0


class RandomWaypoint(Mobile, tag_field="source", tag="random-waypoint", frozen=True, kw_only=True):
    """Straight to a uniform point at a uniform speed, a rest, and again."""

    area_m: Annotated[tuple[Metres, Metres], about("Width and height.")]
    speeds_m_per_s: Annotated[tuple[Speed, Speed], about("Lowest and highest.")] = (0.5, 1.5)
    pauses_s: Annotated[tuple[Time, Time], about("Shortest and longest rest.")] = (0.0, 120.0)


class MapWalk(Mobile, tag_field="source", tag="map-walk", frozen=True, kw_only=True):
    """Shortest ways along the streets of a map, to uniform crossings, with rests."""

    crossings_m: Annotated[
        tuple[tuple[Coordinate, Coordinate], ...],
        Meta(min_length=2, max_length=LIST_MAX),
        about("Where the crossings are: a list of [x, y]."),
    ]
    streets: Annotated[
        tuple[tuple[int, int], ...],
        Meta(min_length=1, max_length=LIST_MAX),
        about("Which crossings a street joins: a list of [crossing, crossing], from 0."),
    ]
    speeds_m_per_s: Annotated[tuple[Speed, Speed], about("Lowest and highest.")] = (0.5, 1.5)
    pauses_s: Annotated[tuple[Time, Time], about("Shortest and longest rest.")] = (0.0, 120.0)


class StreetGrid(Mobile, tag_field="source", tag="street-grid", frozen=True, kw_only=True):
    """A map walk on a grid of streets."""

    columns: Annotated[int, Meta(ge=1, le=1000), about("Crossings from west to east.")]
    rows: Annotated[int, Meta(ge=1, le=1000), about("Crossings from south to north.")]
    block_m: Annotated[Metres, about("From one crossing to the next.")] = 100.0
    speeds_m_per_s: Annotated[tuple[Speed, Speed], about("Lowest and highest.")] = (0.5, 1.5)
    pauses_s: Annotated[tuple[Time, Time], about("Shortest and longest rest.")] = (0.0, 120.0)


class WorkingDay(Mobile, tag_field="source", tag="working-day", frozen=True, kw_only=True):
    """Home, office, home, and some evenings at a meeting place; a run begins at midnight."""

    area_m: Annotated[tuple[Metres, Metres], about("Width and height.")]
    offices: Annotated[int, Meta(ge=1, le=NODES_MAX), about("Offices; people spread evenly.")]
    meeting_places: Annotated[int, Meta(ge=1, le=NODES_MAX), about("Places for evenings.")]
    speed_m_per_s: Annotated[Speed, about("Of everybody.")] = 5.0
    leave_s: Annotated[Time, about("Mean time of day at which people leave home.")] = 28_800.0
    leave_spread_s: Annotated[Time, about("Its standard deviation.")] = 1800.0
    work_s: Annotated[Time, about("Time at the office.")] = 28_800.0
    evening_share: Annotated[Share, about("Chance of an evening out.")] = 0.5
    evening_s: Annotated[Time, about("How long an evening out lasts.")] = 7200.0


class Graph(Section, tag_field="source", tag="graph", frozen=True, kw_only=True):
    """Links that are up from the start and stay."""

    shape: Annotated[
        Literal["line", "ring", "grid", "complete", "random"], about("Who is linked to whom.")
    ]
    columns: Annotated[
        int, Meta(ge=1, le=NODES_MAX), about("Columns of a grid; they must divide `nodes`.")
    ] = 1
    share: Annotated[Share, about("Chance of each link of a random graph.")] = 0.1


class RandomContacts(Section, tag_field="source", tag="random-contacts", frozen=True, kw_only=True):
    """Every pair meets at random: exponential gaps and lengths, the theory's well-mixed world."""

    gap_mean_s: Annotated[Span, about("Mean time from a pair's parting to its next meeting.")]
    length_mean_s: Annotated[Span, about("Mean length of a contact.")]


Contacts: TypeAlias = (
    OneTrace
    | SocioPatternsTrace
    | RandomWaypoint
    | MapWalk
    | StreetGrid
    | WorkingDay
    | Graph
    | RandomContacts
)


class Infrastructure(Section, frozen=True, kw_only=True):
    """Links over the internet beside the contacts, up all the time until a shutdown."""

    share: Annotated[Share, about("Share of nodes that have internet.")] = 1.0
    links: Annotated[
        int, Meta(ge=1, le=1000), about("Links that each of them opens to random others.")
    ] = 4


# --- nodes, links, mail --------------------------------------------------------------------------


class Link(Section, frozen=True, kw_only=True):
    """Every link."""

    rate_bytes_per_s: Annotated[int, Meta(ge=1, le=BYTES_MAX), about("In each direction.")] = (
        250_000
    )
    latency_s: Annotated[
        float, Meta(ge=0, le=60), about("Time that a byte is under way; protocol fidelity only.")
    ] = 0.0
    loss: Annotated[
        float,
        Meta(ge=0, le=0.99),
        about("Share of packets lost and sent again; protocol fidelity only."),
    ] = 0.0


class NodeSettings(Section, frozen=True, kw_only=True):
    """Every node."""

    buffer_bytes: Annotated[
        int, Meta(ge=0, le=BYTES_MAX), about("Room for the mail of others.")
    ] = 100_000_000


class RouterSettings(Section, frozen=True, kw_only=True):
    """The routing policy of every node."""

    name: Annotated[
        Literal["spray", "epidemic", "direct", "prophet"], about("The product's router.")
    ] = "spray"
    copies: Annotated[int, Meta(ge=1, le=255), about("Copies of a new message, for spray.")] = 8


class RandomLoad(Section, tag_field="source", tag="random", frozen=True, kw_only=True):
    """Messages at uniform times between uniform pairs."""

    messages: Annotated[int, Meta(ge=0, le=MESSAGES_MAX), about("How many.")]
    from_s: Annotated[Time, about("The first is written here at the earliest.")] = 0.0
    until_s: Annotated[Time | None, about("The last; without it, the end of the run.")] = None
    size_bytes: Annotated[tuple[SizeBytes, SizeBytes], about("Smallest and largest.")] = (
        1000,
        10_000,
    )
    destinations: Annotated[
        Literal["any", "other-side"],
        about("`other-side`: every message crosses the first partition's cut."),
    ] = "any"
    ttl_min: Annotated[int, Meta(ge=0, le=BYTES_MAX), about("Lifetime in minutes.")] = 1_000_000


class FileLoad(Section, tag_field="source", tag="file", frozen=True, kw_only=True):
    """A message file of The ONE: lines of `TIME C NAME SOURCE DESTINATION SIZE`."""

    file: Annotated[FileName, about("The file; a relative name starts at the scenario's folder.")]
    ttl_min: Annotated[int, Meta(ge=0, le=BYTES_MAX), about("Lifetime in minutes.")] = 1_000_000


Workload: TypeAlias = RandomLoad | FileLoad


class Checks(Section, frozen=True, kw_only=True):
    """What the checkers hold a run to, beside what they hold every run to."""

    liveness_budget_s: Annotated[
        Span | None,
        about(
            "Every message that the oracle can deliver must arrive so long after that, or after "
            "`healed_s`; without it, nothing is asked."
        ),
    ] = None
    healed_s: Annotated[Time, about("When everything works again.")] = 0.0


class Scenario(Section, frozen=True, kw_only=True):
    """One world, up to its seed."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=100, pattern=r"\A[A-Za-z0-9][A-Za-z0-9 ._-]*\Z"),
        about("What reports call it: letters, digits, space, dot, underscore and hyphen."),
    ]
    description: Annotated[str, Meta(max_length=2000), about("A sentence for people.")] = ""
    fidelity: Annotated[
        Literal["abstract", "protocol"],
        about("An idealised exchange, or the production node and its frames."),
    ] = "abstract"
    suite: Annotated[
        Literal["stand-in", "real"],
        about(
            "Protocol fidelity only: a stand-in for cryptography, of the same sizes, which repeats "
            "exactly; or the product's own, whose keys differ from run to run."
        ),
    ] = "stand-in"
    nodes: Annotated[int, Meta(ge=1, le=NODES_MAX), about("How many.")]
    end_s: Annotated[Span, about("The run stops there.")]
    timeline_step_s: Annotated[
        Span | None, about("Time between rows of the timeline; without it, a 100th of the run.")
    ] = None
    contacts: Contacts
    infrastructure: Infrastructure | None = None
    link: Link = Link()
    node: NodeSettings = NodeSettings()
    router: RouterSettings = RouterSettings()
    workload: Workload
    faults: Annotated[tuple[Fault, ...], Meta(max_length=1000)] = ()
    attackers: Annotated[tuple[Attacker, ...], Meta(max_length=1000)] = ()
    check: Checks = Checks()
