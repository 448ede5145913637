"""Vectors of the rules: what is refused by a rule's name, and the twin that is accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cbor2
import pytest

from p2p.credentials import rules
from p2p.errors import CredentialError
from tests.credentials.attempts import md, sd
from tests.credentials.issuer import SdJwt
from tests.credentials.mdoc_issuer import Mdoc, embedded
from tests.credentials.pki import (
    SPACE,
    World,
)

Make = Callable[[World], Callable[[], Any]]


@dataclass
class Case:
    """One vector of a rule with its twin."""

    rule: rules.Rule
    name: str
    bad: Make
    good: Make

    def __str__(self) -> str:
        return f"{self.rule.name}/{self.name}"

    def check(self, world: World) -> None:
        bad = self.bad(world)
        with pytest.raises(CredentialError) as caught:
            bad()
        assert caught.value.rule == self.rule.name, str(caught.value)
        assert self.good(world)()


class Vectors:
    """A list of cases with short ways to add one."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def case(self, rule: rules.Rule, name: str, bad: Make, good: Make | None = None) -> None:
        self.cases.append(Case(rule, name, bad, good or (lambda w: sd(w).run)))

    def sd(self, rule: rules.Rule, name: str, bend: Any, good: Any = None, **beside: Any) -> None:
        """A bent SD-JWT; the twin is bent by ``good``, or not at all."""
        self.case(rule, name, lambda w: sd(w, bend, **beside).run, lambda w: sd(w, good).run)

    def md(self, rule: rules.Rule, name: str, bend: Any, good: Any = None, **beside: Any) -> None:
        """A bent mdoc; the twin is bent by ``good``, or not at all."""
        self.case(rule, name, lambda w: md(w, bend, **beside).run, lambda w: md(w, good).run)


def setting(**changes: Any) -> Callable[[Any], None]:
    """A bend that sets attributes, merging maps."""

    def bend(target: Any) -> None:
        for attribute, value in changes.items():
            old = getattr(target, attribute)
            merged = old | value if isinstance(old, dict) and isinstance(value, dict) else value
            setattr(target, attribute, merged)

    return bend


def dropping(attribute: str, member: Any) -> Callable[[Any], None]:
    def bend(target: Any) -> None:
        getattr(target, attribute).pop(member)

    return bend


def signer_of(make: Callable[[World], Any], kind: Callable[..., Any] = sd) -> Make:
    def attempt(world: World) -> Callable[[], Any]:
        party = make(world)
        return kind(world, lambda c: c.with_signer(party)).run

    return attempt


def in_object(**changes: Any) -> Callable[[Mdoc], None]:
    return setting(bend_object=lambda signed: signed | changes)


def altered(space: str = SPACE, number: int = 0, **changes: Any) -> Callable[[Mdoc], None]:
    def bend(items: dict[str, list[Any]]) -> dict[str, list[Any]]:
        item = cbor2.loads(items[space][number].value) | changes
        return items | {space: [embedded(dict(item)), *items[space][1:]]}

    return setting(bend_items=bend)


def hidden(*parts: Any) -> Callable[[SdJwt], None]:
    return lambda case_: case_.payload["_sd"].append(case_.hide(*parts))


def recursive(case_: SdJwt) -> None:
    inner = case_.hide("s1", "country", "DE")
    case_.payload["_sd"].append(case_.hide("s2", "address", {"_sd": [inner], "city": "X"}))
