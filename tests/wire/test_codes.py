"""Questions and answers as QR codes: there and back, in any order, or a refusal."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import InvalidInput, VersionUnsupported
from p2p.wire.codec import pack
from p2p.wire.contact_uri import Invite, decode_invite, encode_invite
from p2p.wire.content import Acknowledgement, encode_content
from p2p.wire.engagement import (
    ENGAGEMENT_ADDRESSES_MAX,
    ENGAGEMENT_SIZE_MAX_BYTES,
    Engagement,
    decode_engagement,
    encode_engagement,
)
from p2p.wire.qr_frames import (
    FRAME_TEXT_MAX_CHARS,
    FRAMES_MAX,
    PART_SIZE_BYTES,
    collect_frames,
    make_frames,
)
from tests.wire import strategies as wire

engagements = st.builds(
    Engagement,
    account_key=wire.keys,
    bundle_hash=wire.keys,
    lookup_secret=wire.fixed(16),
    name=wire.names,
    addresses=wire.some(wire.text(80, 1), ENGAGEMENT_ADDRESSES_MAX, least=0).map(lambda a: a[:2]),
    request=wire.credential_requests.map(encode_content),
)
_ALPHANUMERIC = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


@given(engagements)
def test_an_engagement_goes_there_and_back(engagement: Engagement) -> None:
    text = encode_engagement(engagement)
    assert decode_engagement(f" {text[:30]}\n{text[30:]} ") == engagement


@given(engagements, st.data())
def test_a_bent_engagement_is_refused(engagement: Engagement, data: st.DataObject) -> None:
    text = encode_engagement(engagement)
    at = data.draw(st.integers(0, len(text) - 1))
    bent = text[:at] + data.draw(st.characters(exclude_categories=("Cs",))) + text[at + 1 :]
    with contextlib.suppress(InvalidInput, VersionUnsupported):
        assert decode_engagement(bent) == engagement


@given(st.text(max_size=200), st.sampled_from(["", "molva-ask:1:", "molva-ask:"]))
def test_any_text_is_an_engagement_or_a_refusal(text: str, start: str) -> None:
    with contextlib.suppress(InvalidInput, VersionUnsupported):
        decode_engagement(start + text)


def _engagement(request: bytes) -> str:
    return encode_engagement(Engagement(bytes(32), bytes(32), bytes(16), "", (), request))


def test_what_is_no_question_is_said() -> None:
    for text, said in (
        ("molva:1:AAAA", "must begin with molva-ask:1:"),
        ("molva-ask:1:AAAA", "damaged"),
        ("molva-ask:1:A*AA", "characters"),
        ("molva-ask:1:" + "A" * (2 * ENGAGEMENT_SIZE_MAX_BYTES + 1), "longer"),
        (_engagement(encode_content(Acknowledgement())), "no question"),
        (_engagement(pack((4, 1))), "no question"),
    ):
        with pytest.raises(InvalidInput, match=said):
            decode_engagement(text)
    with pytest.raises(VersionUnsupported, match="version '2'"):
        decode_engagement("molva-ask:2:AAAA")
    with pytest.raises(InvalidInput):
        decode_invite("molva-ask:1:AAAA")


@given(st.binary(max_size=2_000), st.randoms(use_true_random=False))
def test_frames_make_a_whole_in_any_order(content: bytes, random) -> None:
    frames = make_frames(content)
    assert all(_ALPHANUMERIC.issuperset(frame) for frame in frames)
    assert max(map(len, frames)) <= FRAME_TEXT_MAX_CHARS
    shown = frames + frames[:2]
    random.shuffle(shown)
    assert collect_frames(shown) == content


@given(st.lists(st.text(max_size=60) | st.just("MF1/"), max_size=4))
def test_any_texts_are_content_or_a_refusal(texts: list[str]) -> None:
    with contextlib.suppress(InvalidInput):
        collect_frames(texts)


def test_a_bent_frame_is_noticed() -> None:
    frames = make_frames(bytes(range(256)) * 3)
    for at in range(len(frames[0])):
        char = "7" if frames[0][at] != "7" else "8"
        bent = frames[0][:at] + char + frames[0][at + 1 :]
        with pytest.raises(InvalidInput):
            collect_frames([bent, *frames[1:]])


def test_frames_that_do_not_belong_are_said() -> None:
    one, other = make_frames(b"a" * 700), make_frames(b"b" * 700)
    for frames, said in (
        ([], "no frame"),
        ([one[0], other[1]], "two different answers"),
        (one[:1], "Frames 2, 3 of 3"),
        (one[:2], "Frame 3 of 3"),
        ([*one, one[0].replace("/1/3/", "/4/3/")], "number 4 of 3"),
        (["MF1/" + "0" * 16 + "/1/1/" + "0" * 8 + "/:::"], "damaged"),
        (["MF1/" + "0" * 16 + "/1/1/" + "0" * 8 + "/0"], "damaged"),
        (["x" * (FRAME_TEXT_MAX_CHARS + 1)], "no frame of an answer"),
    ):
        with pytest.raises(InvalidInput, match=said):
            collect_frames(frames)
    with pytest.raises(InvalidInput, match="too many"):
        make_frames(bytes(FRAMES_MAX * PART_SIZE_BYTES + 1))


@pytest.mark.parametrize("lost", range(1, 9))
def test_a_link_that_was_cut_off_anywhere_says_what_to_do(lost: int) -> None:
    invite = Invite(bytes(32), bytes(32), bytes(16), "Alice", (), b"")
    with pytest.raises(InvalidInput, match="copy it again, whole"):
        decode_invite(encode_invite(invite)[:-lost])
