"""What a holder is asked on a real terminal before anything is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2p.core.exchange.events import CredentialAnswered, CredentialRemoved
from tests.cli.command_line import RunningNode
from tests.cli.test_terminal import talk
from tests.control import fake_credentials as fake

ANSWER = ["credential", "answer", "4a5e"]


def answers(running: RunningNode) -> list[CredentialAnswered]:
    return [event for event in running.node.handled if isinstance(event, CredentialAnswered)]


def test_each_element_is_agreed_to_by_itself(
    running: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    (choice,) = fake.INCOMING.choices
    both = replace(choice, has=("family_name", "sex"), always_shown=("sub",))
    monkeypatch.setattr(fake, "INCOMING", replace(fake.INCOMING, choices=(both,)))
    dialogue = talk(running.home, ANSWER, [("Show family_name?", "n"), ("Show sex?", "y")])
    assert dialogue.code == 0
    assert "hotel check-in" in dialogue.shown
    assert "reads besides: sub" in dialogue.shown
    assert [event.elements for event in answers(running)] == [("sex",)]


def test_nothing_is_shown_where_nothing_is_agreed_to(running: RunningNode) -> None:
    dialogue = talk(running.home, ANSWER, [("Show family_name?", "n")])
    assert dialogue.code == 1
    assert "Nothing was shown" in dialogue.shown
    assert not answers(running)


def test_a_copy_is_shown_again_only_where_that_is_agreed_to(
    running: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    (choice,) = fake.INCOMING.choices
    stale = replace(fake.INCOMING, choices=(replace(choice, fresh=False),))
    monkeypatch.setattr(fake, "INCOMING", stale)
    for said in ("n", "y"):
        talk(running.home, ANSWER, [("Show family_name?", "y"), ("Show one again?", said)])
    assert [event.reuse for event in answers(running)] == [0, 1]


def test_codes_are_shown_until_ctrl_c(running: RunningNode) -> None:
    dialogue = talk(running.home, [*ANSWER, "--yes", "--qr-frames"], [("2 of 2", "\x03")])
    assert dialogue.code == 0
    assert "\u2588" in dialogue.shown


def test_removing_a_credential_asks_first(running: RunningNode) -> None:
    remove = ["credential", "remove", "c1ed"]
    assert talk(running.home, remove, [("with its keys?", "n")]).code == 1
    assert talk(running.home, remove, [("with its keys?", "y")]).code == 0
    removed = [event for event in running.node.handled if isinstance(event, CredentialRemoved)]
    assert len(removed) == 1
