"""config.toml: every complaint names file, key and what is allowed; the documentation agrees."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.core.config import NodeConfig
from p2p.errors import EnvironmentFault, InvalidInput
from p2p.node.config_file import first_config, parse_settings, read_settings, settings_of
from p2p.node.peers import PeerLimits
from p2p.node.settings import SETTINGS, as_toml, reference

DOCUMENT = Path(__file__).parents[2] / "docs/reference/configuration.md"
PEER = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWL1HuYpmKxY9Up27RVZc5YdEdbHSoRArAsDsyUVfVjqVx"


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "config.toml", "Alice")
    assert settings.node == NodeConfig(name="Alice")
    assert settings.limits == PeerLimits()
    assert settings.mdns
    assert settings.control_tcp_port is None


def test_every_default_is_allowed_and_can_be_written() -> None:
    for setting in SETTINGS:
        assert setting.shape.accepts(setting.default), setting.key
        text = f"{setting.key} = {as_toml(setting.default)}"
        assert parse_settings(text, "f")[setting.key] == setting.default


def test_keys_are_unique_and_one_table_deep() -> None:
    keys = [setting.key for setting in SETTINGS]
    assert len(keys) == len(set(keys))
    assert all(key.count(".") <= 1 for key in keys)


def test_what_the_file_says_is_what_the_node_gets(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        f'listen = []\npeers = ["{PEER}"]\n[routing]\nrouter = "direct"\ndirect_grace_s = 5\n'
        "[custody]\nstrangers_max_count = 3\n[records]\nkind_max_bytes = 5\n[link]\n"
        "strikes_max = 9\n[neighbours]\nmax = 4\n"
        "[control]\ntcp = true\ntcp_port = 8080\n[privacy]\nshare_addresses = false\n"
    )
    settings = read_settings(path, "")
    assert settings.listen == ()
    assert settings.peers == (PEER,)
    assert settings.node.router == "direct"
    assert settings.node.direct_grace_s == 5.0
    assert isinstance(settings.node.direct_grace_s, float)
    assert settings.node.custody.strangers_max_count == 3
    assert settings.node.records.kind_max_bytes == 5
    assert settings.node.link.strikes_max == 9
    assert settings.node.share_addresses == 0
    assert settings.limits.neighbours_max == 4
    assert settings.control_tcp_port == 8080


def test_no_setting_is_ignored() -> None:
    """Each setting, changed alone, changes what the node gets (`control.tcp_port` with TCP on)."""
    base = parse_settings("[control]\ntcp = true", "f")
    for setting in SETTINGS:
        changed = dict(base)
        match setting.default:
            case bool():
                changed[setting.key] = not base[setting.key]
            case int() | float():
                changed[setting.key] = setting.default + 1
            case str():
                changed[setting.key] = "other"
            case tuple():
                changed[setting.key] = ("/other",)
        assert settings_of(changed, "") != settings_of(base, ""), setting.key


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("listne = []", "there is no setting listne"),
        ("[custody]\nmax = 1", "there is no setting custody.max"),
        ("custody = 1", "there is no setting custody"),
        ("listen = '/ip4/1.2.3.4/tcp/1'", "listen must be a list"),
        ("listen = ['1.2.3.4:5']", "listen must be a list"),
        ("peers = ['/ip4/1.2.3.4/tcp/1']", "does not end in /p2p/"),
        ("[link]\nstrikes_max = 0", "link.strikes_max must be a whole number from 1 to 100"),
        ("[link]\nstrikes_max = true", "link.strikes_max must be"),
        ("[link]\nstrikes_max = 3.5", "link.strikes_max must be"),
        ("[link]\nhello_wait_s = nan", "link.hello_wait_s must be a number"),
        ("[discovery]\nmdns = 1", "discovery.mdns must be true or false"),
        ("[routing]\nrouter = 'oracle'", 'one of "spray", "epidemic", "direct"'),
        ("[trust]\nstatus_signer_eku = '1..2'", "must be a dotted object identifier"),
        ("[trust]\nstatus_signer_eku = 5", "must be a dotted object identifier"),
        ("[trust]\ncontract_status_max_s = 0", "must be a whole number from 60"),
        ("[records]\nown_max_count = 0", "records.own_max_count must be a whole number from 1"),
        ("[records]\npartials_max_bytes = 9", "there is no setting records.partials_max_bytes"),
        ("a = ", "f is no TOML"),
    ],
)
def test_a_mistake_is_named(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match="f") as caught:
        parse_settings(text, "f")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_text_gives_settings_or_one_complaint(text: str) -> None:
    with suppress(InvalidInput):
        settings_of(parse_settings(text, "f"), "")


def test_bytes_that_are_no_text_and_files_that_are_too_long(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_settings(path, "")
    path.write_bytes(b"#" * 70_000)
    with pytest.raises(InvalidInput, match="longer"):
        read_settings(path, "")


def test_the_first_config_reads_back() -> None:
    assert parse_settings(first_config("/ip4/0.0.0.0/tcp/24001"), "f")["listen"] == (
        "/ip4/0.0.0.0/tcp/24001",
    )


def test_the_documentation_lists_exactly_these_settings() -> None:
    assert DOCUMENT.read_text().endswith(reference()), (
        "docs/reference/configuration.md must end with p2p.node.settings.reference()"
    )


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_told_and_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "config.toml")
    with pytest.raises(EnvironmentFault, match="is no file"):
        read_settings(tmp_path / "config.toml", "")


def test_a_number_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[custody]\nstrangers_max_bytes = " + "9" * 5_000)
    with pytest.raises(InvalidInput, match="too many digits"):
        read_settings(tmp_path / "config.toml", "alice")


def test_settings_nested_without_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("listen = " + "[" * 30_000)
    with pytest.raises(InvalidInput, match="nested too deeply"):
        read_settings(tmp_path / "config.toml", "")
