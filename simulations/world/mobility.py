"""Mobility models: walkers that go from point to point, all of them moved at once.

A model says where a walker goes next; :func:`walk` moves them. Models: random waypoint, shortest
paths on a map, and a working day (home, office, sometimes an evening together).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from p2p.errors import InvalidInput
from simulations.rng import stream_seed
from simulations.world.compiled import Steps, steps_for
from simulations.world.proximity import Positions

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Leg:
    """One straight stretch of a walk.

    Attributes:
        to: metres.
        speed_m_per_s: above 0.
        pause_s: rest at its end.
    """

    to: tuple[float, float]
    speed_m_per_s: float
    pause_s: float


class Mobility(Protocol):
    """Where walkers begin and where they go next."""

    def begin(self) -> Positions:
        """Give the first positions."""
        ...

    def next_leg(self, walker: int, now_s: float) -> Leg:
        """Give the next leg of a walker whose pause is over."""
        ...


def walk(
    model: Mobility, step_s: float, steps: int, how: Steps | None = None
) -> Iterator[Positions]:
    """Give positions at times 0, step_s, ... (``steps`` of them); each frame is a new array.

    A walker that arrives within a step waits for the step's end.

    Args:
        how: what does the work; by default what is fastest for so many walkers.
    """
    at = np.array(model.begin(), dtype=np.float64)
    to = at.copy()
    speed = np.ones(len(at))
    pause = np.zeros(len(at))
    rests_until = np.zeros(len(at))
    step = how or steps_for(len(at), steps)
    for number in range(steps):
        now_s = number * step_s
        yield at.copy()
        for walker in step.due(at, to, rests_until, now_s).tolist():
            leg = model.next_leg(walker, now_s)
            to[walker], speed[walker], pause[walker] = leg.to, leg.speed_m_per_s, leg.pause_s
            if at[walker, 0] == leg.to[0] and at[walker, 1] == leg.to[1]:
                rests_until[walker] = now_s + leg.pause_s
        step.advance(at, to, speed, pause, rests_until, now_s, step_s)


class RandomWaypoint:
    """Straight to a uniform point at a uniform speed, a rest, and again (Johnson, Maltz, 1996).

    Args:
        area_m: width and height.
        speeds_m_per_s, pauses_s: lowest and highest; speeds above 0, or walkers freeze in time.
    """

    def __init__(
        self,
        nodes: int,
        area_m: tuple[float, float],
        speeds_m_per_s: tuple[float, float],
        pauses_s: tuple[float, float],
        seed: int,
    ) -> None:
        if not 0 < speeds_m_per_s[0] <= speeds_m_per_s[1]:
            raise InvalidInput("Allowed are speeds above 0, the lowest first.")
        self._nodes, self._area_m = nodes, area_m
        self._speeds, self._pauses = speeds_m_per_s, pauses_s
        self._draws = np.random.default_rng(stream_seed(seed, "random-waypoint"))

    def begin(self) -> Positions:
        """Uniform over the area."""
        return self._draws.uniform((0, 0), self._area_m, (self._nodes, 2))

    def next_leg(self, walker: int, now_s: float) -> Leg:
        """A uniform point."""
        del walker, now_s
        x, y, speed, pause = self._draws.random(4).tolist()
        width_m, height_m = self._area_m
        return Leg(
            (width_m * x, height_m * y),
            _between(self._speeds, speed),
            _between(self._pauses, pause),
        )


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


class StreetMap:
    """Crossings and streets between them, with shortest ways.

    Args:
        crossings: shape (n, 2), metres.
        streets: pairs of crossings, walked in both directions.
    """

    def __init__(self, crossings: Positions, streets: Sequence[tuple[int, int]]) -> None:
        self.crossings = crossings
        self._streets: list[dict[int, float]] = [{} for _ in crossings]
        for a, b in streets:
            length_m = math.dist(crossings[a].tolist(), crossings[b].tolist())
            self._streets[a][b] = self._streets[b][a] = length_m
        self._ways: dict[int, Mapping[int, int]] = {}

    def way(self, start: int, end: int) -> list[int]:
        """Give the crossings of a shortest way, without the start.

        Raises:
            InvalidInput: no way leads there.
        """
        before = self._ways.get(end)
        if before is None:
            before = self._ways[end] = self._towards(end)
        if start not in before:
            raise InvalidInput(f"No way leads from crossing {start} to crossing {end}.")
        passed: list[int] = []
        while start != end:
            start = before[start]
            passed.append(start)
        return passed

    def _towards(self, end: int) -> dict[int, int]:
        """Give for every crossing the next one on a shortest way to ``end`` (Dijkstra)."""
        nearest = {end: 0.0}
        following = {end: end}
        waiting = [(0.0, end)]
        while waiting:
            length_m, crossing = heapq.heappop(waiting)
            if length_m > nearest[crossing]:
                continue
            for other, street_m in self._streets[crossing].items():
                if length_m + street_m < nearest.get(other, math.inf):
                    nearest[other] = length_m + street_m
                    following[other] = crossing
                    heapq.heappush(waiting, (length_m + street_m, other))
        return following


class MapWalk:
    """Shortest ways to uniform crossings, one speed a walk, a rest at each destination."""

    def __init__(
        self,
        nodes: int,
        streets: StreetMap,
        speeds_m_per_s: tuple[float, float],
        pauses_s: tuple[float, float],
        seed: int,
    ) -> None:
        if not 0 < speeds_m_per_s[0] <= speeds_m_per_s[1]:
            raise InvalidInput("Allowed are speeds above 0, the lowest first.")
        self._map = streets
        self._speeds, self._pauses = speeds_m_per_s, pauses_s
        self._draws = np.random.default_rng(stream_seed(seed, "map-walk"))
        self._at: NDArray[np.int64] = self._draws.integers(len(streets.crossings), size=nodes)
        self._way: list[list[int]] = [[] for _ in range(nodes)]
        self._speed = [speeds_m_per_s[0]] * nodes

    def begin(self) -> Positions:
        """Uniform crossings."""
        return self._map.crossings[self._at]

    def next_leg(self, walker: int, now_s: float) -> Leg:
        """The next crossing of the way, or of a new way."""
        del now_s
        way = self._way[walker]
        if not way:
            end = int(self._draws.integers(len(self._map.crossings)))
            way = self._way[walker] = self._map.way(int(self._at[walker]), end)
            way.reverse()
            self._speed[walker] = float(self._draws.uniform(*self._speeds))
        crossing = way.pop() if way else int(self._at[walker])
        self._at[walker] = crossing
        pause_s = 0.0 if way else float(self._draws.uniform(*self._pauses))
        x, y = self._map.crossings[crossing].tolist()
        return Leg((x, y), self._speed[walker], pause_s)


@dataclass(frozen=True, slots=True)
class WorkingDaySettings:
    """A working day in the manner of Ekman and others (2008), straight ways instead of streets.

    Attributes:
        offices, meeting_places: how many of each; people are spread over offices evenly.
        leave_s, leave_spread_s: mean and standard deviation of leaving home, seconds of the day.
        work_s: time at the office.
        evening_share: chance of an evening at a meeting place, which lasts ``evening_s``.
    """

    nodes: int
    area_m: tuple[float, float]
    offices: int
    meeting_places: int
    speed_m_per_s: float
    leave_s: float = 8 * 3600.0
    leave_spread_s: float = 1800.0
    work_s: float = 8 * 3600.0
    evening_share: float = 0.5
    evening_s: float = 2 * 3600.0


class WorkingDay:
    """Home, office, home; some evenings at a meeting place. Colleagues share an office."""

    def __init__(self, settings: WorkingDaySettings, seed: int) -> None:
        if not settings.speed_m_per_s > 0 or min(settings.offices, settings.meeting_places) < 1:
            raise InvalidInput("Allowed are a speed above 0, and at least one place of each kind.")
        self._settings = settings
        draws = self._draws = np.random.default_rng(stream_seed(seed, "working-day"))
        area = settings.area_m
        self._homes = draws.uniform((0, 0), area, (settings.nodes, 2))
        self._offices = draws.uniform((0, 0), area, (settings.offices, 2))
        self._meetings = draws.uniform((0, 0), area, (settings.meeting_places, 2))
        self._stage = [0] * settings.nodes

    def begin(self) -> Positions:
        """At home."""
        return self._homes

    def next_leg(self, walker: int, now_s: float) -> Leg:
        """What follows in the day."""
        settings = self._settings
        stage = self._stage[walker]
        self._stage[walker] = (stage + 1) % 4
        if stage == 0:
            return self._leg(self._homes[walker], self._wait_for_morning(now_s))
        if stage == 1:
            return self._leg(self._offices[walker % settings.offices], settings.work_s)
        if stage == 2 and self._draws.random() < settings.evening_share:
            place = int(self._draws.integers(settings.meeting_places))
            return self._leg(self._meetings[place], settings.evening_s)
        return self._leg(self._homes[walker], 0.0)

    def _leg(self, place: Positions, pause_s: float) -> Leg:
        x, y = place.tolist()
        return Leg((x, y), self._settings.speed_m_per_s, pause_s)

    def _wait_for_morning(self, now_s: float) -> float:
        leave_s = self._draws.normal(self._settings.leave_s, self._settings.leave_spread_s)
        return float((leave_s - now_s) % DAY_S)
