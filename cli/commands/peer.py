"""``molva peer``."""

from __future__ import annotations

import click

from cli.context import Session, pass_session
from cli.grammar import MolvaGroup
from cli.output import moment, safe_line
from cli.references import PEER


@click.group(cls=MolvaGroup)
def peer() -> None:
    """Add, remove and ban other nodes.

    A peer is a node on the network, not a person: strangers' nodes carry your mail too.

    \b
    Example:
      molva peer add /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...
    """


@peer.command()
@click.argument("address")
@pass_session
def add(session: Session, address: str) -> None:
    """Dial an address, now and whenever the link is lost.

    \b
    Example:
      molva peer add /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...
    """
    added = session.client.add_peer(address)
    if session.screen.as_json:
        session.screen.value(added)
        return
    session.screen.line(f"Peer {safe_line(added.peer_id)}: {_state(added.state, added.retry_at_s)}")
    if added.last_error:
        session.screen.line(f"Last error: {safe_line(added.last_error)}")


@peer.command(name="list")
@pass_session
def list_(session: Session) -> None:
    """Show the peers known, neighbours first.

    \b
    Example:
      molva peer list
    """
    from p2p.control.schema import PeerList

    peers = session.client.peers()
    if session.screen.as_json:
        session.screen.value(PeerList(peers=peers))
        return
    if not peers:
        session.screen.line("No peers yet. Nodes nearby are found without help; or: molva peer add")
        return
    rows = [
        (p.peer_id, _state(p.state, p.retry_at_s), p.source, " ".join(p.addresses), p.last_error)
        for p in peers
    ]
    session.screen.table(("PEER", "STATE", "SOURCE", "ADDRESSES", "LAST ERROR"), rows)


@peer.command()
@click.argument("peer_id", type=PEER)
@pass_session
def remove(session: Session, peer_id: str) -> None:
    """Stop dialling a peer, and lift a ban.

    \b
    Example:
      molva peer remove 12D3KooW...
    """
    session.client.remove_peer(peer_id)
    _done(session, peer_id, "removed", f"Peer {safe_line(peer_id)} is forgotten.")


@peer.command()
@click.argument("peer_id", type=PEER)
@pass_session
def ban(session: Session, peer_id: str) -> None:
    """Close a peer's link and refuse all further ones.

    \b
    Example:
      molva peer ban 12D3KooW...
    """
    session.client.ban_peer(peer_id)
    sentence = f"Peer {safe_line(peer_id)} is banned; `molva peer remove` lifts it."
    _done(session, peer_id, "banned", sentence)


def _done(session: Session, peer_id: str, what: str, sentence: str) -> None:
    if session.screen.as_json:
        session.screen.value({"peer_id": peer_id, "done": what})
    else:
        session.screen.line(sentence)


def _state(state: str, retry_at_s: float) -> str:
    return f"waiting until {moment(retry_at_s)}" if state == "waiting" else state
