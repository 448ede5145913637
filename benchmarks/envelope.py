"""Sealing and opening on one core, in one process, without a store."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from p2p.adapters.memory_store import MemoryStore
from p2p.adapters.system import SystemEntropy
from p2p.crypto.account import account_key_of, certify_device, device_key_of
from p2p.sessions.book import SessionBook
from p2p.sessions.identity import DeviceIdentity
from p2p.sessions.x3dh_suite import X3dhSuite

COUNT = 5_000
BATCH = 400
"""Below the 500 unacknowledged messages after which a sender begins a new session."""


@dataclass
class EnvelopeRates:
    """Envelopes per second."""

    seal: float
    open: float


def _book(now_s: float) -> tuple[DeviceIdentity, SessionBook]:
    seed, device_seed = os.urandom(32), os.urandom(32)
    device = device_key_of(device_seed)
    certificate = certify_device(seed, device, int(now_s))
    identity = DeviceIdentity(account_key_of(seed), device, device_seed, certificate)
    return identity, SessionBook(identity, X3dhSuite(), MemoryStore(), SystemEntropy(), now_s)


def envelope_rates() -> EnvelopeRates:
    """Seal and open 100-byte messages in one direction of one session, receipts in between."""
    now_s = time.time()
    alice_id, alice = _book(now_s)
    bob_id, bob = _book(now_s)
    issued = bob.current_bundle(alice_id.account_key, now_s)
    alice.learn_bundle(bob_id.account_key, issued.bundle, issued.lookup_secret, now_s)
    content = b"x" * 120
    first = bob.open(alice.seal(bob_id.account_key, content, 86_400.0, now_s).envelope, now_s)
    back = bob.seal(first.contact, content, 86_400.0, now_s)
    alice.open(back.envelope, now_s)
    sealing = opening = 0.0
    for _ in range(COUNT // BATCH + 1):
        began = time.perf_counter()
        sealed = [alice.seal(bob_id.account_key, content, 86_400.0, now_s) for _ in range(BATCH)]
        middle = time.perf_counter()
        for one in sealed:
            bob.open(one.envelope, now_s)
        sealing += middle - began
        opening += time.perf_counter() - middle
        alice.acknowledge(sealed[-1].session, now_s)
    total = (COUNT // BATCH + 1) * BATCH
    return EnvelopeRates(total / sealing, total / opening)
