"""The commands of holder and verifier: what they show, ask, refuse, and with which exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.credential_output import age_text, end_text, value_text
from p2p.core.exchange.events import (
    CredentialAnswered,
    CredentialAsked,
    CredentialImported,
    FramesCollected,
    RequestState,
)
from p2p.core.exchange.verdicts import undecided
from tests.cli.command_line import CommandLine, RunningNode
from tests.control import fake_credentials as fake
from tests.control.fake_node import contact_view


def test_import_list_show_remove(molva: CommandLine, running: RunningNode, tmp_path: Path) -> None:
    text, cbor, key = tmp_path / "pid.sdjwt", tmp_path / "mdl.cbor", tmp_path / "key.pem"
    text.write_text("eyJ~")
    cbor.write_bytes(b"\xa2\xff")
    key.write_text("PEM")
    taken = molva("credential", "import", str(text), "--key", str(key))
    assert taken.code == 0
    assert taken.out == (
        "c1edc1ed  urn:eudi:pid:1 by CN=Utopia PID,C=UT\n3 new copies in the wallet.\n"
    )
    assert "Delete the file" in taken.err
    assert molva("credential", "import", str(cbor), "--json").json["new"] == 3
    sent = running.call(lambda n: [e for e in n.handled if isinstance(e, CredentialImported)])
    assert [(e.data, e.key) for e in sent] == [(b"eyJ~", b"PEM"), (b"ov8", b"")]
    assert "2 of 3" in molva("credential", "list").out
    shown = molva("credential", "show", "c1ed").out
    assert "family_name  Jones\n" in shown
    assert "age_over_18  yes\n" in shown
    assert "shown to     bob" in shown
    assert "--yes" in molva("credential", "remove", "c1ed").err
    assert molva("credential", "remove", "c1ed", "--yes").out.startswith("c1edc1ed is forgotten")


def test_a_file_that_cannot_be_imported(
    molva: CommandLine, running: RunningNode, tmp_path: Path
) -> None:
    bad, empty, large = (tmp_path / name for name in ("bad", "empty", "large"))
    bad.write_text("bad")
    empty.write_text(" \n")
    large.write_bytes(bytes(2 * 1_048_576 + 1))
    for path, said in (
        (bad, "signature"),
        (empty, "is empty"),
        (large, "larger than"),
        (tmp_path / "none", "cannot be read"),
    ):
        outcome = molva("credential", "import", str(path))
        assert outcome.code == 1
        assert said in outcome.err
    assert molva("credential", "show", "c1").code == 1
    assert molva("credential", "show", "ffff").code == 1


def test_a_question_and_its_verdict(molva: CommandLine, running: RunningNode) -> None:
    asked = molva("credential", "request", "--age-over", "18", "--to", "bob", "--contract")
    assert asked.out == "a5cea5ce to bob: asked.\n"
    (event,) = running.call(lambda n: [e for e in n.handled if isinstance(e, CredentialAsked)])
    assert event.question.elements == ("age_over_18",)
    assert (event.question.purpose, event.question.use.value) == ("age check", "contract")
    assert event.question.lifetime_s == 86_400.0
    waited = molva("credential", "request", "--age-over", "18", "--to", "bob", "--wait", "5s")
    assert waited.code == 0
    for line in ("VERIFIED", "age_over_18  yes", "valid; the list is 2 hours old", "Utopia IACA"):
        assert line in waited.out
    assert "age_over_18" in molva("credential", "verdicts").out
    assert "VERIFIED" in molva("credential", "verdicts", "a5ce").out
    verdict = molva("credential", "verdicts", "a5ce", "--json").json["verdict"]
    assert verdict["claims"] == {"age_over_18": True}


def test_a_code_is_drawn_with_its_text(molva: CommandLine, running: RunningNode) -> None:
    drawn = molva("credential", "request", "--claims", "name,sex", "--qr", "--kind", "mso_mdoc:x")
    *drawing, text = drawn.out.rstrip("\n").split("\n")
    assert text == "molva-ask:1:AAAA"
    assert len(drawing) > 10
    (event,) = running.call(lambda n: [e for e in n.handled if isinstance(e, CredentialAsked)])
    assert event.question.elements == ("family_name", "given_name", "sex")
    assert event.question.kinds == (("mso_mdoc", "x"),)
    assert event.question.lifetime_s == 300.0


@pytest.mark.parametrize(
    "words",
    [
        ("request", "--to", "bob"),
        ("request", "--age-over", "18"),
        ("request", "--age-over", "18", "--to", "bob", "--qr"),
        ("request", "--age-over", "0", "--qr"),
        ("request", "--claims", "sex,sex", "--qr"),
        ("request", "--claims", "sex", "--qr", "--kind", "mso_mdoc"),
        ("answer",),
        ("answer", "4a5e"),
        ("answer", "4a5e", "--engagement", "x"),
        ("answer", "4a5e", "--decline", "--yes"),
        ("answer", "--engagement", "-"),
        ("collect",),
    ],
)
def test_what_cannot_be_meant(
    molva: CommandLine, running: RunningNode, words: tuple[str, ...]
) -> None:
    assert molva("credential", *words).code == 2


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"claims": (("age_over_18", False),)}, 1, "does not prove: age_over_18"),
        ({"claims": (), "missing": ("age_over_18",)}, 1, "NOT SHOWN"),
        ({"status_state": "revoked", "status_reason": "it was revoked"}, 1, "REVOKED"),
        ({"status_state": "unknown", "status_age_s": None}, 0, "UNKNOWN"),
        ({"test": True}, 0, "TEST CREDENTIAL"),
        ({"self_asserted": (("x", 1),)}, 0, "says the device itself"),
    ],
)
def test_what_a_verdict_is_worth(
    molva: CommandLine,
    running: RunningNode,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    code: int,
    said: str,
) -> None:
    decided = replace(fake.DECIDED, verdict=replace(fake.VERDICT, **changes))
    monkeypatch.setattr(fake, "DECIDED", decided)
    outcome = molva("credential", "collect", stdin="MF1/A/1/2\nMF1/" + "0" * 16 + "/1/1/x\n")
    assert outcome.code == 1
    frames = "".join(f"MF1/{'0' * 16}/{index}/2/00000000/A\n" for index in (2, 2, 1))
    outcome = molva("credential", "collect", stdin=frames)
    assert outcome.code == code
    assert said in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("state", "code"),
    [(RequestState.REFUSED, 1), (RequestState.DECLINED, 1), (RequestState.EXPIRED, 4)],
)
def test_what_is_not_verified_is_no_success(
    molva: CommandLine,
    running: RunningNode,
    monkeypatch: pytest.MonkeyPatch,
    state: RequestState,
    code: int,
) -> None:
    verdict = undecided(state, "status-revoked", "It was revoked.", ("", ""), 1.0)
    monkeypatch.setattr(fake, "DECIDED", replace(fake.OUTGOING, state=state, verdict=verdict))
    waited = molva("credential", "request", "--age-over", "18", "--to", "bob", "--wait", "5s")
    assert waited.code == code
    assert state.value.upper() in waited.out


def test_no_answer_in_time(
    molva: CommandLine, running: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "DECIDED", fake.OUTGOING)
    waited = molva("credential", "request", "--age-over", "18", "--to", "bob", "--wait", "0.2s")
    assert waited.code == 4
    assert "stays open until" in waited.err


def test_the_holder_reads_who_asks_for_what(molva: CommandLine, running: RunningNode) -> None:
    shown = molva("credential", "requests").out
    for line in ("asked by  bob", "purpose   hotel check-in", "family_name: family name"):
        assert line in shown
    assert "molva credential answer 4a5e4a5e" in shown
    assert molva("credential", "requests", "--all", "--json").json["requests"]
    assert "molva credential requests" in molva("inbox").err


def test_the_holder_shows_what_is_agreed_to(molva: CommandLine, running: RunningNode) -> None:
    answered = molva("credential", "answer", "4a5e", "--only", "family_name")
    assert answered.code == 0
    assert "It does not have document_number" in answered.out
    assert answered.out.endswith("Shown to bob: family_name\n")
    assert molva("credential", "answer", "4a5e", "--yes", "--json").json["frames"] == []
    frames = molva("credential", "answer", "4a5e", "--yes", "--qr-frames").out
    assert frames.endswith("MF1/A\nMF1/B\n")
    declined = molva("credential", "answer", "4a5e", "--decline").out
    assert declined == "Declined. bob gets nothing.\n"
    events = running.call(lambda n: [e for e in n.handled if isinstance(e, CredentialAnswered)])
    assert [(e.elements, e.as_frames) for e in events] == [
        (("family_name",), 0), (("family_name",), 0), (("family_name",), 1), ((), 0),
    ]  # fmt: skip


def test_the_holder_answers_a_code(molva: CommandLine, running: RunningNode) -> None:
    answered = molva(
        "credential", "answer", "--engagement", "-", "--yes", stdin="molva-ask:1:AAAA\n"
    )
    assert "Kiosk (calls itself so; nobody vouches for that)" in answered.out
    assert molva("credential", "answer", "--engagement", "nothing", "--yes").code == 1


def test_what_cannot_be_answered(
    molva: CommandLine, running: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "your own" in molva("credential", "answer", "a5ce", "--yes").err
    strange = molva("credential", "answer", "4a5e", "--only", "document_number")
    assert (strange.code, "lacks it" in strange.err) == (1, True)
    other = molva("credential", "answer", "4a5e", "--credential", "ffff", "--yes")
    assert (other.code, "does not fit" in other.err) == (1, True)
    (choice,) = fake.INCOMING.choices
    for choices, said in (
        ((), "has no credential of"),
        ((replace(choice, has=(), lacks=("sex",)),), "does not have: sex"),
    ):
        monkeypatch.setattr(fake, "INCOMING", replace(fake.INCOMING, choices=choices))
        outcome = molva("credential", "answer", "4a5e", "--yes")
        assert outcome.code == 1
        assert said in outcome.err
    over = replace(fake.INCOMING, state=RequestState.EXPIRED, choices=())
    monkeypatch.setattr(fake, "INCOMING", over)
    assert "expired" in molva("credential", "answer", "4a5e", "--yes").err


def test_collect_says_what_is_missing(
    molva: CommandLine, running: RunningNode, tmp_path: Path
) -> None:
    path = tmp_path / "frames"
    path.write_text(f"noise\nMF1/{'0' * 16}/1/2/00000000/A\n")
    outcome = molva("credential", "collect", str(path))
    assert (outcome.code, "Frame 2 of 2" in outcome.err) == (1, True)
    assert "cannot be read" in molva("credential", "collect", str(tmp_path / "none")).err
    events = running.call(lambda n: [e for e in n.handled if isinstance(e, FramesCollected)])
    assert len(events) == 1


def test_a_contact_shows_what_it_has_proven(molva: CommandLine, running: RunningNode) -> None:
    view = replace(contact_view(fake.ASKER, "bob"), proven=(fake.PROVEN,))
    running.call(lambda n: n._contacts.update({fake.ASKER: view}))
    shown = molva("contact", "show", "bob").out
    assert "has proven     age_over_18 = yes, by CN=Utopia PID,C=UT, " in shown
    assert "(status valid, list 2 hours old then; credential valid until 2025-10-" in shown


def test_values_and_ages_in_words() -> None:
    assert [age_text(n) for n in (None, 5, 60, 7_200, 86_400)] == [
        "of unknown age", "5 s old", "1 minute old", "2 hours old", "1 day old",
    ]  # fmt: skip
    assert end_text(0) == "the issuer set no end"
    assert value_text(["a"]) == '["a"]'
    assert value_text("x" * 100).endswith("… (100 characters)")
