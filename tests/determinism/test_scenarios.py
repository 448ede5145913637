"""The same scenario and seed give the same event log, whatever PYTHONHASHSEED is.

The gate runs this file under three seeds and compares what it writes into ``MOLVA_TRACES``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("numpy")

from simulations.commands.check import run_drawn


@pytest.mark.parametrize("fidelity", ["abstract", "protocol"])
def test_drawn_worlds_repeat_themselves(fidelity: str) -> None:
    hashes = [run_drawn(seed, fidelity).event_log_sha256 for seed in (3, 5, 8)]
    assert run_drawn(3, fidelity).event_log_sha256 == hashes[0]
    folder = os.environ.get("MOLVA_TRACES")
    if folder:
        Path(folder, f"drawn-{fidelity}").write_text("\n".join(hashes))
