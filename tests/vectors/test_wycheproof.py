"""Project Wycheproof's cases against the primitives as our code calls them.

The files (``testvectors_v1``) are third-party data, read from where they lie and not kept here:
``MOLVA_WYCHEPROOF`` names their folder; without it ``../shared/vectors/wycheproof`` is looked at.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nacl.exceptions
import nacl.signing
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from p2p.crypto import aead
from p2p.errors import NotAuthentic
from p2p.sessions.ratchet import _DhRatchet

FOLDER = Path(
    os.environ.get("MOLVA_WYCHEPROOF")
    or Path(__file__).parents[2] / ".." / "shared" / "vectors" / "wycheproof"
)
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="Project Wycheproof's files are not here (MOLVA_WYCHEPROOF)"
)

Case = dict[str, Any]


def cases(name: str) -> Iterator[tuple[Case, Case]]:
    content = json.loads((FOLDER / f"{name}.json").read_text())
    for group in content["testGroups"]:
        for case in group["tests"]:
            yield group, case


def opened(call: Any, *arguments: bytes) -> bytes | None:
    try:
        return call(*arguments)
    except (NotAuthentic, InvalidTag, ValueError):
        return None


def test_xchacha20_poly1305() -> None:
    for _, case in cases("xchacha20_poly1305_test"):
        key, nonce, associated, text, tag, plain = (
            bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "ct", "tag", "msg")
        )
        found = None
        if len(key) == aead.KEY_SIZE_BYTES and len(nonce) == aead.NONCE_SIZE_BYTES:
            found = opened(aead.open_sealed, key, nonce, associated, text + tag)
        assert found == (plain if case["result"] == "valid" else None), case["comment"]


def test_aes_256_gcm_siv() -> None:
    for group, case in cases("aes_gcm_siv_test"):
        if group["keySize"] != 256:
            continue
        key, nonce, associated, text, tag, plain = (
            bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "ct", "tag", "msg")
        )
        found = opened(AESGCMSIV(key).decrypt, nonce, text + tag, associated)
        assert found == (plain if case["result"] == "valid" else None), case["comment"]


def test_x25519_and_its_zero_results() -> None:
    for _, case in cases("x25519_test"):
        private, public, shared = (bytes.fromhex(case[n]) for n in ("private", "public", "shared"))
        found = opened(_DhRatchet._perform_diffie_hellman, private, public)
        assert found == (None if shared == bytes(32) else shared), case["comment"]


def test_ed25519() -> None:
    for group, case in cases("ed25519_test"):
        verifier = nacl.signing.VerifyKey(bytes.fromhex(group["publicKey"]["pk"]))
        try:
            verifier.verify(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            is_valid = True
        except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError):
            is_valid = False
        assert is_valid == (case["result"] == "valid"), case["comment"]
