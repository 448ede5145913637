"""The fuzzer's targets hold for the vectors, and for what hypothesis thinks of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.wire.bundle import encode_bundle
from p2p.wire.codec import pack
from p2p.wire.contact_uri import encode_invite
from p2p.wire.content import encode_content
from p2p.wire.frames import encode_frame
from p2p.wire.record import encode_record_header
from tests.fuzz.credential_targets import credential_seeds
from tests.fuzz.targets import TARGETS
from tests.wire import strategies as wire
from tests.wire.vectors import VECTORS, refusals, wire_form

GOOD = {
    "frame": wire.frames.map(encode_frame),
    "content": wire.contents.map(encode_content),
    "bundle": wire.bundles.map(encode_bundle),
    "record": wire.record_headers().map(encode_record_header),
    "envelope": wire.envelopes(),
    "invite": wire.invites.map(lambda invite: encode_invite(invite).encode()),
    "invite_body": wire.invites.map(pack),
    "node": st.lists(wire.hostile(wire.frames.map(encode_frame)), max_size=8).map(
        lambda frames: b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)
    ),
    "address": st.just(b"/ip4/192.0.2.7/tcp/4001/p2p/" + b"1" * 46),
} | {name: st.sampled_from(seeds) for name, seeds in credential_seeds().items()}
KNOWN = [wire_form(refusal) for _, _, refusal in refusals()] + [
    wire_form(vector)
    for format_ in ("frame", "content", "bundle", "record", "envelope", "invite")
    for vector in VECTORS[format_].values()
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_holds_for_every_known_form(target: str) -> None:
    for form in KNOWN:
        TARGETS[target](form.encode() if isinstance(form, str) else form)


@pytest.mark.parametrize("target", TARGETS)
@settings(deadline=None)
@given(data=st.data())
def test_a_target_holds_for_hostile_bytes(target: str, data: st.DataObject) -> None:
    TARGETS[target](data.draw(wire.hostile(GOOD[target])))
