"""A credential asked for, shown and verified between real nodes: side by side, and by a carrier."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2p.control.credential_schema import AnswerCredential, AskCredential, ImportCredential
from p2p.control.trust_schema import AddAnchors
from tests.integration.daemons import Daemon, befriend, stop_all, wait_for


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Daemon]]:
    made: list[Daemon] = []

    def make(name: str) -> Daemon:
        daemon = Daemon(tmp_path / name)
        daemon.init()
        daemon.start()
        made.append(daemon)
        return daemon

    yield make
    stop_all(made)


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The product's own test issuer: its root in PEM, and a bundle of one credential."""
    folder = tmp_path_factory.mktemp("issuer")
    for words in (
        ("new", str(folder / "issuer")),
        ("issue", str(folder / "issuer"), "--out", str(folder / "erika.json"), "--age", "20"),
    ):
        command = [sys.executable, "-m", "cli.main", "credential", "issue-test", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    (root,) = (folder / "issuer" / "anchors").glob("*.pem")
    return root.read_text(), (folder / "erika.json").read_text()


def trust(daemon: Daemon, root: str) -> None:
    with daemon.client() as client:
        client.trust.add_anchors(AddAnchors(pem=root, test=True))


def test_an_age_is_verified_side_by_side_and_by_code(
    make: Callable[[str], Daemon], issued: tuple[str, str]
) -> None:
    root, bundle = issued
    shop, erika = make("shop"), make("erika")
    befriend(shop, erika)
    trust(shop, root)
    with shop.client() as verifier, erika.client() as holder:
        assert holder.credentials.take_in(ImportCredential(content=bundle)).new == 2
        asked = verifier.credentials.ask(AskCredential(elements=["age_over_18"], contact="erika"))
        wait_for(lambda: bool(holder.credentials.requests(direction="in", state="open")))
        question = holder.credentials.request(asked.id)
        choice = question.choices[0]
        shown = AnswerCredential(credential=choice.credential, elements=["age_over_18"])
        holder.credentials.answer(asked.id, shown)
        wait_for(lambda: verifier.credentials.request(asked.id).state == "verified")
        verdict = verifier.credentials.request(asked.id).verdict
        assert verdict is not None
        assert (verdict.claims, verdict.test) == ({"age_over_18": True}, True)
        (contact,) = verifier.contacts()
        assert [claim.name for claim in contact.proven] == ["age_over_18"]
        wait_for(lambda: holder.credentials.request(asked.id).state == "verified")
        code = verifier.credentials.ask(AskCredential(elements=["age_over_18"]))
        scanned = holder.credentials.scan(code.engagement)
        other = next(one for one in scanned.choices if one.fresh)
        shown = AnswerCredential(credential=other.credential, elements=["age_over_18"])
        holder.credentials.answer(code.id, shown)
        wait_for(lambda: verifier.credentials.request(code.id).state == "verified")
        assert len(verifier.contacts()) == 1
        told = json.dumps([str(holder.credentials.wallet()), str(question)])
        assert "PRIVATE KEY" not in told


def test_the_holder_is_away_and_a_carrier_goes_between(
    make: Callable[[str], Daemon], issued: tuple[str, str]
) -> None:
    root, bundle = issued
    shop, erika, carrier = make("shop"), make("erika"), make("carrier")
    befriend(shop, erika)
    trust(shop, root)
    with erika.client() as holder:
        holder.credentials.take_in(ImportCredential(content=bundle))
    erika.end(signal.SIGTERM)
    with shop.client() as verifier, carrier.client() as between:
        verifier.add_peer(between.status().addresses[0])
        asked = verifier.credentials.ask(AskCredential(elements=["age_over_18"], contact="erika"))
        wait_for(lambda: between.custody().count > 0)
    shop.end(signal.SIGTERM)
    erika.start()
    with erika.client() as holder, carrier.client() as between:
        holder.add_peer(between.status().addresses[0])
        wait_for(lambda: bool(holder.credentials.requests(direction="in", state="open")))
        taken = between.status().counters["custody-taken"]
        choice = holder.credentials.request(asked.id).choices[0]
        shown = AnswerCredential(credential=choice.credential, elements=["age_over_18"])
        holder.credentials.answer(asked.id, shown)
        wait_for(lambda: between.status().counters["custody-taken"] > taken)
    shop.start()
    with shop.client() as verifier, carrier.client() as between:
        verifier.add_peer(between.status().addresses[0])
        wait_for(lambda: verifier.credentials.request(asked.id).state == "verified")
