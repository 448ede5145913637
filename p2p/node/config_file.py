"""``config.toml`` in the home: what the person decides about the node."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, cast

from p2p.core.config import CustodyConfig, LinkConfig, NodeConfig, RecordConfig, TrustConfig
from p2p.errors import EnvironmentFault, InvalidInput
from p2p.node.peers import PeerLimits
from p2p.node.setting_shapes import Value
from p2p.node.settings import SETTINGS, Setting, as_toml
from p2p.wire.addresses import peer_of

CONFIG_SIZE_MAX_BYTES: Final = 65_536

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What ``config.toml`` says, with defaults for what it does not."""

    listen: tuple[str, ...]
    peers: tuple[str, ...]
    bootstrap: tuple[str, ...]
    mdns: bool
    dht: bool
    node: NodeConfig
    limits: PeerLimits
    control_tcp_port: int | None
    log_level: str
    log_format: str


def read_settings(path: Path, name: str) -> NodeSettings:
    """Give the settings of a home; a missing file means all defaults.

    Args:
        path: the file.
        name: what the profile calls itself.

    Raises:
        InvalidInput: no TOML, an unknown key, or a value that cannot be.
        EnvironmentFault: it cannot be read.
    """
    return settings_of(parse_settings(_read(path), str(path)), name)


def parse_settings(text: str, where: str) -> dict[str, Value]:
    """Give the value of every setting, by key; ``where`` names the file in complaints.

    Raises:
        InvalidInput: no TOML, an unknown key, or a value that cannot be.
    """
    try:
        written = _flat(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        raise InvalidInput(f"{where} is no TOML: {exc}.") from exc
    except RecursionError as exc:
        raise InvalidInput(f"{where} is nested too deeply.") from exc
    except ValueError as exc:
        raise InvalidInput(f"{where} holds a number of too many digits.") from exc
    known = {setting.key: setting for setting in SETTINGS}
    for key in written:
        if key not in known:
            raise InvalidInput(
                f"{where}: there is no setting {key}; "
                "docs/reference/configuration.md lists all of them."
            )
    return {
        key: _checked(setting, written[key], where) if key in written else setting.default
        for key, setting in known.items()
    }


def settings_of(values: Mapping[str, Value], name: str) -> NodeSettings:
    """Put values by key into the places where the node looks for them."""
    return NodeSettings(
        listen=_pick_addresses(values, "listen"),
        peers=_pick_addresses(values, "peers"),
        bootstrap=_pick_addresses(values, "bootstrap"),
        mdns=_pick(values, "discovery.mdns", bool),
        dht=_pick(values, "discovery.dht", bool),
        node=_node_config(values, name),
        limits=PeerLimits(
            neighbours_max=_pick(values, "neighbours.max", int),
            seek_max=_pick(values, "neighbours.seek_max", int),
        ),
        control_tcp_port=(
            _pick(values, "control.tcp_port", int) if _pick(values, "control.tcp", bool) else None
        ),
        log_level=_pick(values, "log.level", str),
        log_format=_pick(values, "log.format", str),
    )


def first_config(listen: str) -> str:
    """Give the ``config.toml`` of a new home."""
    return (
        "# Settings of this node. All of them, with their defaults:\n"
        "# docs/reference/configuration.md\n\n"
        f"listen = {as_toml((listen,))}\n"
    )


def _node_config(values: Mapping[str, Value], name: str) -> NodeConfig:
    return NodeConfig(
        name=name,
        router=_pick(values, "routing.router", str),
        spray_copies=_pick(values, "routing.spray_copies", int),
        carry_for_strangers=int(_pick(values, "routing.carry_for_strangers", bool)),
        require_proven=_pick(values, "deposit.require_proven", str),
        proof_delay_max_s=_pick(values, "privacy.proof_delay_max_s", float),
        direct_grace_s=_pick(values, "routing.direct_grace_s", float),
        share_addresses=int(_pick(values, "privacy.share_addresses", bool)),
        custody=CustodyConfig(
            strangers_max_bytes=_pick(values, "custody.strangers_max_bytes", int),
            strangers_max_count=_pick(values, "custody.strangers_max_count", int),
            depositor_max_bytes=_pick(values, "custody.depositor_max_bytes", int),
            contacts_max_bytes=_pick(values, "custody.contacts_max_bytes", int),
            proofs_max=_pick(values, "custody.proofs_max", int),
            proofs_unmatched_max=_pick(values, "custody.proofs_unmatched_max", int),
            tombstones_max=_pick(values, "custody.tombstones_max", int),
        ),
        records=_record_config(values),
        link=LinkConfig(
            window_bytes=_pick(values, "link.window_bytes", int),
            rate_bytes_per_s=_pick(values, "link.rate_bytes_per_s", int),
            burst_bytes=_pick(values, "link.burst_bytes", int),
            rate_frames_per_s=_pick(values, "link.rate_frames_per_s", int),
            burst_frames=_pick(values, "link.burst_frames", int),
            strikes_max=_pick(values, "link.strikes_max", int),
            back_off_first_s=_pick(values, "link.back_off_first_s", float),
            back_off_max_s=_pick(values, "link.back_off_max_s", float),
            hello_wait_s=_pick(values, "link.hello_wait_s", float),
        ),
        trust=TrustConfig(
            age_check_status_max_s=_pick(values, "trust.age_check_status_max_s", int),
            contract_status_max_s=_pick(values, "trust.contract_status_max_s", int),
            stale_list_max_s=_pick(values, "trust.stale_list_max_s", int),
            lists_max_bytes=_pick(values, "trust.lists_max_bytes", int),
            status_signer_eku=_pick(values, "trust.status_signer_eku", str),
        ),
    )


def _record_config(values: Mapping[str, Value]) -> RecordConfig:
    return RecordConfig(
        own_max_bytes=_pick(values, "records.own_max_bytes", int),
        own_max_count=_pick(values, "records.own_max_count", int),
        verified_max_bytes=_pick(values, "records.verified_max_bytes", int),
        verified_max_count=_pick(values, "records.verified_max_count", int),
        contacts_max_bytes=_pick(values, "records.contacts_max_bytes", int),
        contacts_max_count=_pick(values, "records.contacts_max_count", int),
        strangers_max_bytes=_pick(values, "records.strangers_max_bytes", int),
        strangers_max_count=_pick(values, "records.strangers_max_count", int),
        kind_max_bytes=_pick(values, "records.kind_max_bytes", int),
        author_max_bytes=_pick(values, "records.author_max_bytes", int),
        author_max_count=_pick(values, "records.author_max_count", int),
    )


def _pick(values: Mapping[str, Value], key: str, kind: type[T]) -> T:
    value = values[key]
    assert isinstance(value, kind), f"the table of settings gives {key} another type"
    return value


def _pick_addresses(values: Mapping[str, Value], key: str) -> tuple[str, ...]:
    value = values[key]
    assert isinstance(value, tuple), f"the table of settings gives {key} another type"
    return value


def _checked(setting: Setting, value: object, where: str) -> Value:
    allowed = setting.shape.allowed()
    if not setting.shape.accepts(value):
        raise InvalidInput(f"{where}: {setting.key} must be {allowed}.")
    accepted = cast("Value", value)
    if isinstance(setting.default, float) and isinstance(accepted, int):
        return float(accepted)
    if setting.key in ("peers", "bootstrap") and isinstance(accepted, tuple):
        for address in accepted:
            _check_peer_address(address, f"{where}: {setting.key} must be {allowed}")
    return accepted


def _check_peer_address(address: str, complaint: str) -> None:
    try:
        peer_of(address)
    except InvalidInput as exc:
        raise InvalidInput(f"{complaint}: {exc}") from exc


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, dict) and not prefix:
            flat |= _flat(cast("Mapping[str, object]", value), f"{name}.")
        elif isinstance(value, list):
            flat[prefix + name] = tuple(cast("list[object]", value))
        else:
            flat[prefix + name] = value
    return flat


def _read(path: Path) -> str:
    try:
        # Without O_NONBLOCK a pipe in its place would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise EnvironmentFault(f"{path} is no file.")
            data = os.read(descriptor, CONFIG_SIZE_MAX_BYTES + 1)
        finally:
            os.close(descriptor)
        text = data.decode()
    except FileNotFoundError:
        return ""
    except OSError as exc:
        raise EnvironmentFault(f"{path} cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is no text in UTF-8.") from exc
    if len(data) > CONFIG_SIZE_MAX_BYTES:
        raise InvalidInput(f"{path} is longer than {CONFIG_SIZE_MAX_BYTES} bytes.")
    return text
