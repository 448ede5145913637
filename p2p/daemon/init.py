"""``init``: makes a profile in a new home."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from p2p.adapters.home import Home, making_home
from p2p.adapters.keystores import (
    FileKeystore,
    KeyringKeystore,
    PassphraseKeystore,
    PlainKeystore,
)
from p2p.adapters.private_files import write_private
from p2p.adapters.sqlite.store import create_store
from p2p.adapters.system import SystemClock, SystemEntropy
from p2p.daemon.arguments import InitOptions
from p2p.daemon.secrets import read_words
from p2p.node.config_file import first_config
from p2p.node.profile import Profile, create_profile, recover_profile
from p2p.ports.entropy import Entropy

_PORT_LOW: Final = 20_000
_PORT_HIGH: Final = 32_768
"""Below the ports that Linux gives to outgoing connections, above those that services ask for."""


def init(options: InitOptions) -> dict[str, str | list[str]]:
    """Make the profile; give what the person must know of it.

    Raises:
        Conflict: there is a profile, or anything else, in that folder.
        InvalidInput: name, passphrase or words cannot be.
        EnvironmentFault: the folder cannot be written.
    """
    from p2p.adapters.libp2p.host import peer_id_of  # takes half a second

    entropy = SystemEntropy()
    with making_home(options.home) as home:
        profile = _make(home, options, entropy)
    return {
        "home": str(options.home.expanduser().resolve()),
        "name": profile.name,
        "account_key": profile.identity.account_key.hex(),
        "device_key": profile.identity.device_key.hex(),
        "peer_id": str(peer_id_of(profile.libp2p_seed)),
        "words": profile.words().split(),
    }


def _make(home: Home, options: InitOptions, entropy: Entropy) -> Profile:
    keystore = _keystore(home.key, options, entropy)
    words = read_words() if options.recover else ""
    now_s = SystemClock().now()
    store = create_store(home.store, keystore.create())
    try:
        if options.recover:
            profile = recover_profile(store, options.name, words, entropy, now_s)
        else:
            profile = create_profile(store, options.name, entropy, now_s)
    finally:
        store.close()
    port = _PORT_LOW + int(entropy.uniform() * (_PORT_HIGH - _PORT_LOW))
    write_private(home.config, first_config(f"/ip4/0.0.0.0/tcp/{port}").encode())
    return profile


def _keystore(path: Path, options: InitOptions, entropy: Entropy) -> FileKeystore:
    if options.plain:
        return PlainKeystore(path, entropy)
    if options.keyring:
        return KeyringKeystore(path, entropy)
    return PassphraseKeystore(path, options.passphrase.read(anew=True), entropy)
