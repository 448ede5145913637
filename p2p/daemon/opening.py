"""Opens a home for one process: lock, key, store, clock, profile, settings, in this order."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from p2p.adapters.home import Home, locked_home, open_home
from p2p.adapters.keystores import keystore_at
from p2p.adapters.sqlite.store import SqliteStore, open_store
from p2p.adapters.system import SystemClock, SystemEntropy
from p2p.daemon.secrets import PassphraseSource
from p2p.errors import ClockDoubtful
from p2p.node.config_file import NodeSettings, read_settings
from p2p.node.profile import Profile, accept_clock, check_clock, load_profile


@dataclass(frozen=True, slots=True)
class OpenedHome:
    """A home that this process has to itself."""

    home: Home
    store: SqliteStore
    profile: Profile
    settings: NodeSettings


@contextmanager
def opened_home(
    folder: Path, passphrase: PassphraseSource, *, trust_clock: bool
) -> Generator[OpenedHome]:
    """Open the home in ``folder``, and close it again.

    ``trust_clock``: take the clock as it is, although it is behind.

    Raises:
        HomeMissing, StoreLocked, PassphraseWrong, StoreDamaged, ClockDoubtful: as they say.
        InvalidInput: the settings cannot be.
        EnvironmentFault: files cannot be read, or others could read them.
    """
    home = open_home(folder)
    entropy = SystemEntropy()
    with locked_home(home):
        keystore = keystore_at(home.key, lambda: passphrase.read(anew=False), entropy)
        with closing(open_store(home.store, keystore.unlock())) as store:
            now_s = SystemClock().now()
            if trust_clock:
                accept_clock(store, now_s)
            _check_clock(store, now_s)
            profile = load_profile(store)
            yield OpenedHome(home, store, profile, read_settings(home.config, profile.name))


def _check_clock(store: SqliteStore, now_s: float) -> None:
    try:
        check_clock(store, now_s)
    except ClockDoubtful as exc:
        way_out = "If it is right now and was wrong then, run once with --accept-clock."
        raise ClockDoubtful(f"{exc} {way_out}") from exc
