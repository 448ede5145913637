"""Run one target under coverage-guided fuzzing: ``python -m tests.fuzz.drive TARGET [OPTION]...``.

The options are libFuzzer's. Seeds are the frozen vectors. Needs the ``fuzz`` profile; see
``make fuzz``.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["p2p"]):
    from tests.fuzz.targets import TARGETS
from tests.fuzz.credential_targets import credential_seeds
from tests.wire.vectors import of_format, refusals, wire_form

ADDRESS = b"/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"


def seeds_of(target: str) -> dict[str, bytes]:
    """Give the vectors and the refusals of the target's format, by name."""
    credentials = credential_seeds().get(target)
    if credentials is not None:
        return {f"good-{number}": seed for number, seed in enumerate(credentials)}
    if target == "address":
        return {"address": ADDRESS}
    if target == "invite_body":
        links = {name: str(vector["link"]) for name, vector in of_format("invite").items()}
        return {n: base64.urlsafe_b64decode(link[8:] + "===")[:-4] for n, link in links.items()}
    if target == "node":
        frames = [bytes.fromhex(str(vector["hex"])) for vector in of_format("frame").values()]
        return {"all": b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)}
    known = {name: refusal for format_, name, refusal in refusals() if format_ == target}
    forms = {name: wire_form(vector) for name, vector in {**known, **of_format(target)}.items()}
    return {n: form.encode() if isinstance(form, str) else form for n, form in forms.items()}


def main(target: str, *options: str) -> None:
    """Fuzz until the options say stop; a finding ends the process with a traceback."""
    corpus = Path("out", "fuzz", target)
    corpus.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds_of(target).items():
        (corpus / name).write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
