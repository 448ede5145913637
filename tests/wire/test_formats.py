"""Every format: there and back, and nothing but a value or a refusal for any bytes."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import InvalidInput, LocalError, Malformed, RemoteError, TooLarge, WrongVersion
from p2p.wire import limits
from p2p.wire.bundle import PrekeyBundle, decode_bundle, encode_bundle
from p2p.wire.codec import pack
from p2p.wire.contact_uri import Invite, decode_invite, encode_invite
from p2p.wire.content import Content, Text, decode_content, encode_content
from p2p.wire.frames import Bye, Frame, decode_frame, encode_frame
from p2p.wire.record import encode_record_header
from tests.wire import strategies as wire
from tests.wire.vectors import DECODERS, of_format, wire_form

FORMATS = ("frame", "content", "bundle", "record")
GOOD = {
    "frame": wire.frames.map(encode_frame),
    "content": wire.contents.map(encode_content),
    "bundle": wire.bundles.map(encode_bundle),
    "record": wire.record_headers().map(encode_record_header),
}
CAPS = {
    "frame": limits.FRAME_SIZE_MAX_BYTES,
    "content": limits.ENVELOPE_SIZE_MAX_BYTES,
    "bundle": limits.BUNDLE_SIZE_MAX_BYTES,
    "record": limits.RECORD_HEADER_MAX_BYTES,
}
LENIENT = [(format_, name) for format_ in FORMATS[:3] for name in of_format(format_)]
"""Formats whose readers pass over what comes after the elements that they know."""
EXAMPLES = [(format_, name) for format_ in FORMATS for name in of_format(format_)]


def _example(format_: str, name: str) -> bytes:
    form = wire_form(of_format(format_)[name])
    assert isinstance(form, bytes)
    return form


@given(wire.frames)
def test_a_frame_goes_there_and_back(frame: Frame) -> None:
    data = encode_frame(frame)
    assert len(data) <= limits.FRAME_SIZE_MAX_BYTES
    assert decode_frame(data) == frame


@given(wire.contents)
def test_content_goes_there_and_back(content: Content) -> None:
    assert decode_content(encode_content(content)) == content


@given(wire.bundles)
def test_a_bundle_goes_there_and_back(bundle: PrekeyBundle) -> None:
    data = encode_bundle(bundle)
    assert decode_bundle(data) == bundle
    assert len(data) <= limits.BUNDLE_SIZE_MAX_BYTES


@given(wire.bundles, wire.bundles)
def test_what_a_bundle_signs_names_every_field_but_the_signature(
    one: PrekeyBundle, other: PrekeyBundle
) -> None:
    same = pack(one)[:-64] == pack(other)[:-64]
    assert (one.signed_bytes() == other.signed_bytes()) == same


@pytest.mark.parametrize("format_", FORMATS)
@given(data=st.data())
def test_any_bytes_give_a_value_or_a_remote_error(format_: str, data: st.DataObject) -> None:
    received = data.draw(wire.hostile(GOOD[format_]))
    with contextlib.suppress(RemoteError):
        value = DECODERS[format_](received)
        assert DECODERS[format_](pack(value)) == value


@pytest.mark.parametrize(("format_", "name"), EXAMPLES)
def test_a_value_cut_off_anywhere_is_refused(format_: str, name: str) -> None:
    data = _example(format_, name)
    for end in range(len(data)):
        with pytest.raises(Malformed):
            DECODERS[format_](data[:end])


@pytest.mark.parametrize(("format_", "name"), EXAMPLES)
def test_bytes_after_the_value_are_refused(format_: str, name: str) -> None:
    for extra in (b"\x00", b"\xc0", _example(format_, name)):
        with pytest.raises(Malformed):
            DECODERS[format_](_example(format_, name) + extra)


@pytest.mark.parametrize("foreign", [None, True, 1.0, -1, 2**64 - 1, "x" * 9, b"", [], [[[]]]])
@pytest.mark.parametrize(("format_", "name"), EXAMPLES)
def test_an_element_of_another_type_is_refused(format_: str, name: str, foreign: object) -> None:
    elements = msgpack.unpackb(_example(format_, name))
    for place, original in enumerate(elements):
        if type(original) is type(foreign):
            continue
        wrong = [*elements[:place], foreign, *elements[place + 1 :]]
        with pytest.raises(RemoteError):
            DECODERS[format_](msgpack.packb(wrong))


@pytest.mark.parametrize(("format_", "name"), EXAMPLES)
def test_a_missing_element_is_refused(format_: str, name: str) -> None:
    elements = msgpack.unpackb(_example(format_, name))
    with pytest.raises(Malformed):
        DECODERS[format_](msgpack.packb(elements[:-1]))


@pytest.mark.parametrize(("format_", "name"), LENIENT)
def test_elements_of_a_later_time_are_passed_over(format_: str, name: str) -> None:
    elements = msgpack.unpackb(_example(format_, name))
    longer = msgpack.packb([*elements, "later", [1, 2]])
    assert DECODERS[format_](longer) == DECODERS[format_](_example(format_, name))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "bomb",
    [
        b"\xdc\x10\x00" * 20_000,
        b"\x91" * 600,
        b"\x91" * 60_000,
        b"\x81\xa1a" * 20_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\xdc\x01\x01" + b"\x90" * 257,
        b"\x81\x01\x02",
        b"\xc1",
        b"\xc7\x00\x03",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\x91\xc7\x00\x03",
        b"\xa1\xff",
        b"\xa3\xed\xa0\x80",
        b"",
    ],
    ids=lambda bomb: bomb[:8].hex(),
)
def test_a_bomb_is_refused(format_: str, bomb: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        DECODERS[format_](bomb)
    assert not str(caught.value).rstrip().endswith(":")


@pytest.mark.parametrize("format_", FORMATS)
def test_too_many_bytes_are_refused_before_they_are_read(format_: str) -> None:
    with pytest.raises(Malformed, match="where at most"):
        DECODERS[format_](b"\xc1" * (CAPS[format_] + 1))


@pytest.mark.parametrize("version", [0, 2, 255, 256, 2**32])
def test_another_version_of_a_bundle_is_named_whatever_follows(version: int) -> None:
    with pytest.raises(WrongVersion):
        decode_bundle(msgpack.packb([version, "of another shape", {}]))


def test_integers_may_be_written_longer_than_they_need_to_be() -> None:
    assert decode_frame(b"\x92\xcd\x00\x07\xce\x00\x00\x00\x05") == decode_frame(b"\x92\x07\x05")


def test_text_is_bounded_in_bytes_and_not_in_characters() -> None:
    fits = Text(bytes(16), 0, "é" * (limits.TEXT_SIZE_MAX_BYTES // 2))
    assert decode_content(encode_content(fits)) == fits
    with pytest.raises(Malformed):
        decode_content(encode_content(Text(bytes(16), 0, fits.text + "e")))


def test_half_a_character_is_our_own_mistake() -> None:
    with pytest.raises(InvalidInput):
        encode_frame(Bye("\ud800"))


@given(wire.invites)
def test_a_link_goes_there_and_back(invite: Invite) -> None:
    link = encode_invite(invite)
    assert decode_invite(link) == invite
    assert decode_invite(f"  {link[:40]}\n  {link[40:]}\n") == invite
    short = decode_invite(encode_invite(invite.without_bundle()))
    assert short.bundle == b""
    assert (short.account_key, short.bundle_hash) == (invite.account_key, invite.bundle_hash)


@given(wire.text(300) | st.binary(max_size=300).map(lambda data: "molva:1:" + data.hex()))
def test_any_text_gives_an_invite_or_a_local_error(text: str) -> None:
    with pytest.raises(LocalError):
        decode_invite(text)


@given(st.data())
def test_a_link_with_a_good_checksum_may_still_be_refused(data: st.DataObject) -> None:
    body = data.draw(wire.hostile(wire.invites.map(pack)))
    with contextlib.suppress(InvalidInput):
        invite = decode_invite(_link_around(body))
        assert decode_invite(encode_invite(invite)) == invite


def _link_around(body: bytes) -> str:
    checksum = hashlib.blake2b(body, digest_size=4, person=b"molva invite").digest()
    return "molva:1:" + base64.urlsafe_b64encode(body + checksum).decode().rstrip("=")


@given(wire.invites, st.data())
def test_one_wrong_character_is_noticed(invite: Invite, data: st.DataObject) -> None:
    link = encode_invite(invite.without_bundle())
    at = data.draw(st.integers(len("molva:1:"), len(link) - 2))
    other = data.draw(st.sampled_from("ABab01-_"))
    if link[at] != other:
        with pytest.raises(InvalidInput):
            decode_invite(link[:at] + other + link[at + 1 :])


@pytest.mark.parametrize(
    "link",
    ["", "molva", "molva:1", "mailto:1:AAAA", "molva:1:", "molva:1:!", "molva:1:AAA=A", "молва:1:"],
)
def test_what_is_no_link_is_refused(link: str) -> None:
    with pytest.raises(InvalidInput):
        decode_invite(link)


def test_a_link_longer_than_any_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer"):
        decode_invite("molva:1:" + "A" * 100_000)


def test_the_scheme_may_be_written_large() -> None:
    link = str(wire_form(of_format("invite")["invite-bare"]))
    assert decode_invite(link.replace("molva", "MOLVA")) == decode_invite(link)


def test_an_invite_that_no_link_holds_is_refused_when_it_is_made() -> None:
    far = tuple(f"/dns/{'x' * 240}/tcp/{n}" for n in range(8))
    with pytest.raises(TooLarge):
        encode_invite(Invite(bytes(32), bytes(32), bytes(16), "", far, bytes(2_048)))
