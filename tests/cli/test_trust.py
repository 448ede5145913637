"""trust: what is shown of it, and what is said about files that will not do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from p2p.core.trust.events import (
    AnchorPurpose,
    AnchorsAdded,
    Standing,
    StatusListImported,
    TrustListImported,
)
from tests.cli.command_line import CommandLine, RunningNode
from tests.control.fake_trust import NOTHING_TRUSTED, NOW_S, ROOT, STATUS, TRUSTED, VICAL

PEM = b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"


@pytest.fixture
def pem(tmp_path: Path) -> str:
    path = tmp_path / "root.pem"
    path.write_bytes(PEM)
    return str(path)


def test_add(molva: CommandLine, running: RunningNode, pem: str) -> None:
    outcome = molva("trust", "add", pem, "--label", "Utopia", "--as-of", "2025-10-01")
    assert (outcome.code, outcome.out) == (0, f"Utopia is trusted for issuers: {ROOT.ref[:16]}\n")
    assert "CN=Utopia Lab IACA,C=UT" in outcome.err
    (event,) = running.node.handled
    assert isinstance(event, AnchorsAdded)
    assert (event.pem, event.as_of_s, event.test) == (PEM, 1_759_276_800, False)
    both = molva("trust", "add", pem, "--purpose", "both", "--test").out
    assert both.startswith("Utopia (TEST, proves nothing) is trusted for issuers and lists of")
    assert molva("trust", "add", pem, "--json").json["new"] == 1


def test_add_takes_der(molva: CommandLine, running: RunningNode, tmp_path: Path) -> None:
    (tmp_path / "root.der").write_bytes(b"\x30\x82\x01\x02")
    assert molva("trust", "add", str(tmp_path / "root.der"), "--purpose", "lists").code == 0
    event = running.node.handled[0]
    assert isinstance(event, AnchorsAdded)
    assert event.pem == PEM.replace(b"AA==", b"MIIBAg==")
    assert event.purpose is AnchorPurpose.LISTS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "missing.pem"), "cannot be read"),
        (("add", "."), "folder"),
        (("add", "{pem}", "--label", "x" * 65), "64 bytes"),
        (("add", "{pem}", "--as-of", "yesterday"), "2026-11-21"),
        (("add", "{pem}", "--as-of", "1969-01-01"), "before"),
        (("add", "{pem}", "--purpose", "fun"), "purpose"),
        (("remove", " "), "empty"),
        (("import-vical", "{empty}"), "empty"),
        (("import-status",), "FILE"),
    ],
)
def test_what_cannot_be_meant(
    molva: CommandLine, pem: str, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").touch()
    given = [one.format(pem=pem, empty=tmp_path / "empty") for one in arguments]
    outcome = molva("trust", *given)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


def test_a_file_that_is_too_large(molva: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(bytes(4 * 1_048_576 + 1))
    outcome = molva("trust", "import-status", str(tmp_path / "huge"), "--json")
    assert (outcome.code, outcome.failure["code"]) == (1, "too-large")


def test_import_a_list(molva: CommandLine, running: RunningNode, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"\x01\x02\n")
    outcome = molva("trust", "import-vical", str(path), "--root", "Utopia", "--keep-private")
    assert outcome.code == 0
    assert outcome.out.startswith("Utopia registry: 3 issuers, issued ")
    assert outcome.out.endswith("(2 d ago), stale, not passed on.\n")
    assert "1 certificates in it cannot be anchors." in outcome.err
    assert molva("trust", "import-lote", str(path)).code == 0
    first, second = running.node.handled
    assert isinstance(first, TrustListImported)
    assert isinstance(second, TrustListImported)
    assert (first.form, first.data, first.root) == ("vical", b"\x01\x02\n", "Utopia")
    assert (second.form, second.data, second.private) == ("lote", b"\x01\x02", False)


def test_import_a_status_list(molva: CommandLine, running: RunningNode, tmp_path: Path) -> None:
    path = tmp_path / "list"
    for data, kept in ((b" eyJ\n", b"eyJ"), (b"\xd2\x84\n", b"\xd2\x84\n")):
        path.write_bytes(data)
        outcome = molva("trust", "import-status", str(path))
        assert "1024 statuses" in outcome.out
        assert outcome.out.endswith("current, passed on to other nodes.\n")
        event = running.node.handled[-1]
        assert isinstance(event, StatusListImported)
        assert event.data == kept
    path.write_bytes(b"known")
    assert molva("trust", "import-status", str(path)).out.endswith("It was here already.\n")
    assert molva("trust", "import-status", str(path), "--json").json["shared"] is True


def test_a_refusal_names_its_rule(molva: CommandLine, running: RunningNode, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"bad")
    outcome = molva("trust", "import-status", str(tmp_path / "list"))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "molva: The status list is not authentic. (rule status-signature)\n"
    failure = molva("trust", "import-status", str(tmp_path / "list"), "--json").failure
    assert (failure["code"], failure["rule"]) == ("credential-refused", "status-signature")


def test_list(molva: CommandLine, running: RunningNode) -> None:
    shown = molva("trust", "list").out
    assert [line.split()[0] for line in shown.splitlines() if line] == [
        "ANCHOR",
        ROOT.ref[:16],
        "LIST",
        VICAL.ref[:16],
        STATUS.ref[:16],
    ]
    assert molva("trust", "list", "--json").json["anchors"][0]["label"] == "Utopia"
    running.node.trusted = NOTHING_TRUSTED
    assert molva("trust", "list").out.startswith("Nobody is trusted yet.")


def test_a_test_issuer_shows_everywhere(molva: CommandLine, running: RunningNode) -> None:
    running.node.trusted = replace(
        TRUSTED, anchors=(replace(ROOT, test=True),), lists=(replace(STATUS, test=True),)
    )
    assert "Utopia [TEST]" in molva("trust", "list").out
    assert "current [TEST]" in molva("trust", "list").out
    shown = molva("trust", "status").out
    assert "1, 1 of them TEST, proves nothing" in shown
    assert "current [TEST]" in shown


def test_names_of_others_do_not_act_on_the_terminal(
    molva: CommandLine, running: RunningNode
) -> None:
    evil = replace(STATUS, name="https://x\x1b[2J\u202e", root="\x07")
    running.node.trusted = replace(TRUSTED, lists=(evil,))
    for command in ("list", "status"):
        shown = molva("trust", command).out
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_status(molva: CommandLine, running: RunningNode) -> None:
    shown = molva("trust", "status").out
    assert "clock        ok: " in shown
    assert "a trusted issuer has signed something at" in shown
    assert "carries      0 lists for others" in shown
    assert "age check    takes a status up to 7 d old" in shown
    lines = [line for line in shown.splitlines() if line.startswith(("vical", "status"))]
    assert "2 d" in lines[0]
    assert "imported" in lines[0]
    assert "age check, contract" in lines[1]
    assert f"record of {STATUS.author[:16]}" in lines[1]
    assert molva("trust", "status", "--json").json["clock"]["doubtful"] is False


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issued_s": NOW_S - 2 * 86_400}, "age check "),
        ({"issued_s": NOW_S - 8 * 86_400}, "revocations only"),
        ({"standing": Standing.EXPIRED}, "revocations only"),
        ({"standing": Standing.UNUSABLE, "rule": "status-signature"}, "nothing"),
        ({"next_update_s": 0}, "not said"),
        ({"issued_s": NOW_S - 30}, "30 s"),
    ],
    ids=["contract", "old", "expired", "unusable", "open", "seconds"],
)
def test_what_a_status_list_is_good_for(
    molva: CommandLine, running: RunningNode, changes: dict[str, object], said: str
) -> None:
    running.node.trusted = replace(TRUSTED, lists=(replace(STATUS, **changes),))
    line = molva("trust", "status").out.splitlines()[-1]
    assert said in line


def test_a_doubtful_clock_is_said_loudly(
    molva: CommandLine, running: RunningNode, tmp_path: Path
) -> None:
    clock = replace(TRUSTED.clock, doubtful=True, floor_from="saved", floor_s=NOW_S + 999)
    running.node.trusted = replace(TRUSTED, clock=clock)
    assert "clock        DOUBTFUL: " in molva("trust", "status").out
    assert "this node has run at" in molva("trust", "status").out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"valid_until_s": NOW_S - 1}, "EXPIRED"),
        ({"valid_from_s": NOW_S + 1}, "NOT BEFORE"),
    ],
    ids=["over", "early"],
)
def test_an_anchor_out_of_its_time(
    molva: CommandLine, running: RunningNode, changes: dict[str, object], said: str
) -> None:
    running.node.trusted = replace(TRUSTED, anchors=(replace(ROOT, **changes),))
    assert said in molva("trust", "list").out


def test_remove(molva: CommandLine, running: RunningNode) -> None:
    anchor = molva("trust", "remove", ROOT.ref[:8])
    assert anchor.out == "The anchor CN=Utopia Lab IACA,C=UT is forgotten.\n"
    assert molva("trust", "remove", STATUS.ref).out.startswith("The status list https://status")
    assert molva("trust", "remove", VICAL.ref, "--json").json["kind"] == "vical"
    assert molva("trust", "remove", "nobody").code == 1


def test_without_a_node(molva: CommandLine) -> None:
    assert molva("trust", "status").code == 3
