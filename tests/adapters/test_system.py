"""Randomness and time from the operating system."""

from __future__ import annotations

import pytest

from p2p.adapters.system import SystemClock, SystemEntropy


def test_random_bytes() -> None:
    entropy = SystemEntropy()
    assert [len(entropy.random_bytes(size)) for size in (0, 1, 32)] == [0, 1, 32]
    assert entropy.random_bytes(32) != entropy.random_bytes(32)


def test_uniform_is_between_zero_and_one(monkeypatch: pytest.MonkeyPatch) -> None:
    entropy = SystemEntropy()
    numbers = [entropy.uniform() for _ in range(1_000)]
    assert 0.0 <= min(numbers) < 0.1
    assert 0.9 < max(numbers) < 1.0
    monkeypatch.setattr("os.urandom", lambda size: b"\xff" * size)
    assert 0.9999 < entropy.uniform() < 1.0
    monkeypatch.setattr("os.urandom", bytes)
    assert entropy.uniform() == 0.0


def test_the_clock_never_runs_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 101.0, 50.0, 102.0])
    monkeypatch.setattr("time.time", lambda: next(moments))
    clock = SystemClock()
    assert [clock.now() for _ in range(4)] == [100.0, 101.0, 101.0, 102.0]
