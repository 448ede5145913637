"""Refusals as problem+json (RFC 9457): one status and one title for every code."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from p2p.control.schema import Problem
from p2p.errors import CredentialError, MolvaError, RequestRefused

STATUS_AND_TITLE: Final = MappingProxyType(
    {
        # --- the API itself
        "access-denied": (403, "Access denied"),
        "unknown-endpoint": (404, "No such endpoint"),
        "method-not-allowed": (405, "Method not allowed"),
        "busy": (503, "Too many connections"),
        "internal-error": (500, "A fault of this node"),
        "request-refused": (400, "Request refused"),
        # --- LocalError
        "local-error": (400, "Impossible request"),
        "unknown-name": (404, "Unknown name"),
        "conflict": (409, "Conflict"),
        "invalid-input": (400, "Invalid input"),
        "version-unsupported": (400, "Unsupported version"),
        "too-large": (413, "Too large"),
        "not-ready": (409, "Not ready"),
        # --- RemoteError
        "remote-error": (502, "A peer's fault"),
        "malformed": (502, "Malformed bytes of a peer"),
        "limit-exceeded": (429, "Limit exceeded"),
        "protocol-violation": (502, "A peer broke the protocol"),
        "not-authentic": (502, "Not authentic"),
        "replayed": (502, "Replayed"),
        "wrong-version": (502, "Wrong protocol version"),
        "credential-refused": (422, "Credential refused"),
        # --- EnvironmentFault
        "environment-fault": (503, "The environment failed"),
        "store-damaged": (500, "Damaged store"),
        "store-locked": (503, "Locked store"),
        "store-full": (507, "No room on the device"),
        "passphrase-wrong": (403, "Wrong passphrase"),
        "home-missing": (503, "No profile"),
        "link-failed": (503, "Link failed"),
        "node-not-running": (503, "Node not running"),
        "timed-out": (504, "Timed out"),
        "clock-doubtful": (503, "Doubtful clock"),
        "molva-error": (500, "Failure"),
    }
)


def problem_of(error: MolvaError, instance: str = "") -> Problem:
    """Give the problem that tells a client of ``error``; ``instance`` is the path asked for."""
    status, title = STATUS_AND_TITLE.get(error.code, STATUS_AND_TITLE["molva-error"])
    if isinstance(error, RequestRefused):
        status = error.status
    return Problem(
        type=f"molva:{error.code}",
        title=title,
        status=status,
        detail=str(error),
        instance=instance,
        rule=error.rule if isinstance(error, CredentialError) else "",
    )


def internal_problem(instance: str) -> Problem:
    """Give the problem that tells of a bug of ours, without its details: the log has them."""
    status, title = STATUS_AND_TITLE["internal-error"]
    return Problem(
        type="molva:internal-error",
        title=title,
        status=status,
        detail="This node has a fault; its log says more. The request may not have taken effect.",
        instance=instance,
    )
