"""One replay from files to files, in either fidelity."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2p import __version__
from p2p.errors import InvalidInput
from simulations.checkers.bounds import must_be_possible
from simulations.formats.one_events import read_contacts, read_creations
from simulations.formats.one_reports import delivered_text, statistics_text, write_reports
from simulations.oracle import earliest_arrivals
from simulations.trace import Outcome, ReplaySettings

ROUTERS: Final = ("epidemic", "spray", "direct", "prophet")
MANIFEST_FILE_NAME: Final = "manifest.json"
_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What the command line asks for; units as in :class:`~simulations.trace.ReplaySettings`."""

    contacts: Path
    messages: Path
    router: str
    nodes: int
    end_s: float
    rate_bytes_per_s: int
    buffer_bytes: int
    ttl_min: int
    copies: int
    fidelity: str
    out: Path

    def settings(self) -> ReplaySettings:
        """Give what the simulators need to know."""
        return ReplaySettings(
            nodes=self.nodes,
            end_s=self.end_s,
            rate_bytes_per_s=self.rate_bytes_per_s,
            buffer_bytes=self.buffer_bytes,
            ttl_min=self.ttl_min,
            name=f"{self.contacts.stem}_{self.router}_{self.fidelity}",
        )


def run_replay(request: ReplayRequest) -> tuple[Outcome, Mapping[str, object]]:
    """Read, simulate, write both reports and the manifest; give the outcome and the manifest.

    Raises:
        InvalidInput: a file or a value that cannot be, in one sentence; or a delivery that beats
            the oracle, which would be this program's own fault.
    """
    settings = request.settings()
    contacts = read_contacts(request.contacts, request.nodes)
    creations = read_creations(request.messages, request.nodes)
    if request.fidelity == "compat":
        from simulations.compat.replay import replay
    elif request.fidelity == "protocol":
        from simulations.protocol.replay import replay
    else:
        from simulations.abstract.replay import replay
    outcome = replay(settings, contacts, creations, request.router, request.copies)
    # The ONE's recipients take a message whose lifetime ended on its last link.
    ttl_s = math.inf if request.fidelity == "compat" else request.ttl_min * 60.0
    earliest = earliest_arrivals(request.nodes, contacts, creations, ttl_s)
    must_be_possible(outcome.deliveries, earliest)
    write_reports(request.out, settings.name, outcome)
    manifest = _manifest(request, settings, outcome)
    _write_manifest(request.out / MANIFEST_FILE_NAME, manifest)
    return outcome, manifest


def outcome_hash(settings: ReplaySettings, outcome: Outcome) -> str:
    """Give the SHA-256 of all that a run reports, for comparing runs."""
    text = delivered_text(outcome.deliveries) + statistics_text(settings.name, outcome)
    return hashlib.sha256(text.encode()).hexdigest()


def _manifest(
    request: ReplayRequest, settings: ReplaySettings, outcome: Outcome
) -> Mapping[str, object]:
    return {
        "program": "molva-sim replay",
        "version": __version__,
        "fidelity": request.fidelity,
        "suite": _suite(request.fidelity),
        "router": request.router,
        "copies": request.copies,
        "nodes": request.nodes,
        "end_s": request.end_s,
        "rate_bytes_per_s": request.rate_bytes_per_s,
        "buffer_bytes": request.buffer_bytes,
        "ttl_min": request.ttl_min,
        "contacts": {"file": request.contacts.name, "sha256": _file_hash(request.contacts)},
        "messages": {"file": request.messages.name, "sha256": _file_hash(request.messages)},
        "outcome_sha256": outcome_hash(settings, outcome),
        "created": outcome.created,
        "delivered": len(outcome.deliveries),
        "relayed": outcome.relayed,
    }


def _write_manifest(path: Path, manifest: Mapping[str, object]) -> None:
    try:
        path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror or error}.") from error


def _suite(fidelity: str) -> str:
    if fidelity != "protocol":
        return "none"
    from simulations.standin_suite import STANDIN_NAME  # with cryptography, slow to import

    return STANDIN_NAME


def _file_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
