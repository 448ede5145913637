"""``doctor``: checks a home whose node does not run, step by step as a start would."""

from __future__ import annotations

import socket

from p2p.adapters.home import open_home
from p2p.adapters.listen_addresses import parse_tcp
from p2p.daemon.arguments import DoctorOptions
from p2p.daemon.disk import check_disk
from p2p.daemon.opening import OpenedHome, opened_home
from p2p.errors import HomeMissing, InvalidInput, MolvaError, PassphraseWrong, StoreLocked
from p2p.node.api import Check
from p2p.node.doctor import FAILED, OK


def examine(options: DoctorOptions) -> list[Check]:
    """Give the findings, up to the first that keeps a node from starting.

    Raises:
        HomeMissing: there is nothing to examine.
        PassphraseWrong: it cannot be examined.
        StoreLocked: the node runs; ask it.
    """
    checks: list[Check] = []
    try:
        home = open_home(options.home)
        checks.append(Check("home", OK, f"{home.folder} is yours alone."))
        checks.append(check_disk(home.folder))
        with opened_home(options.home, options.passphrase, trust_clock=False) as opened:
            checks += _of_opened(opened)
    except (HomeMissing, PassphraseWrong, StoreLocked):
        raise
    except MolvaError as exc:
        checks.append(Check(exc.code, FAILED, str(exc)))
    return checks


def _of_opened(opened: OpenedHome) -> list[Check]:
    size = opened.store.size_bytes() / 1_048_576
    return [
        Check("store", OK, f"Every page holds; {size:,.1f} MiB."),
        Check("clock", OK, "Not behind the last run."),
        Check("settings", OK, f"{opened.home.config} can be read."),
        *(check_listen(address) for address in opened.settings.listen),
    ]


def check_listen(address: str) -> Check:
    """Tell whether a socket can be opened at a multiaddress of the settings."""
    try:
        place = parse_tcp(address)
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((place.host, place.port))
    except OSError as exc:
        return Check("listen", FAILED, f"Cannot listen at {address}: {exc.strerror}.")
    except InvalidInput as exc:
        return Check("listen", FAILED, str(exc))
    return Check("listen", OK, f"{address} is free.")
