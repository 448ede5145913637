"""Every exception that Molva raises on purpose, in one tree.

::

    MolvaError
    |-- LocalError             we, or the person at this node, asked for something impossible
    |   |-- UnknownName            no contact, message or peer of that name
    |   |-- Conflict               it exists already, or its state forbids it
    |   |-- InvalidInput           a value that cannot be: malformed link, empty text, bad address
    |   |-- VersionUnsupported     a link or file made by another version of Molva
    |   |-- TooLarge               more bytes than the largest envelope can hold
    |   |-- NotReady               the contact's prekeys are not here yet
    |   `-- RequestRefused         the control API, or the node behind it, says no
    |-- RemoteError            a peer sent what no correct peer sends
    |   |-- Malformed              bytes that are no value of ours
    |   |-- LimitExceeded          more than this node granted: size, count, rate, credit
    |   |-- ProtocolViolation      a valid value at the wrong moment
    |   |-- NotAuthentic           a signature, a MAC, a commitment or a proof that does not hold
    |   |-- Replayed               authentic, but seen before
    |   `-- WrongVersion           a protocol version that this node does not speak
    |-- CredentialError        a presented credential breaks a rule; names the rule
    `-- EnvironmentFault       the world failed us: disk, store, clock, network
        |-- StoreDamaged           the store cannot be read as ours
        |-- StoreLocked            another process has this home open
        |-- StoreFull              no room on the device
        |-- PassphraseWrong        the store key does not unwrap
        |-- HomeMissing            there is no profile in this home
        |-- LinkFailed             a link could not be opened, or broke
        |-- NodeNotRunning         nothing answers at this home's control socket
        |-- TimedOut               no answer within the time that the person gave
        `-- ClockDoubtful          the clock contradicts what is already known

Each class has ``code``: the kebab-case name that the control API, the command line and the logs
use for it. The message is one sentence for a person.
"""


class MolvaError(Exception):
    """Any failure that Molva foresees."""

    code = "molva-error"


class LocalError(MolvaError):
    """This node, or the person at it, asked for something impossible."""

    code = "local-error"


class UnknownName(LocalError):
    """No contact, message or peer goes by that name."""

    code = "unknown-name"


class Conflict(LocalError):
    """It exists already, or its present state forbids the request."""

    code = "conflict"


class InvalidInput(LocalError):
    """The value cannot be what was asked for."""

    code = "invalid-input"


class VersionUnsupported(LocalError):
    """A link or a file was made for another version of Molva."""

    code = "version-unsupported"


class TooLarge(LocalError):
    """The content does not fit into the largest envelope."""

    code = "too-large"


class NotReady(LocalError):
    """The contact's prekey bundle has not reached this node yet."""

    code = "not-ready"


class RequestRefused(LocalError):
    """The control API refuses a request: raised at the node, and again by its client.

    ``code`` is the problem's code (docs/reference/control-api.md), ``status`` the HTTP status,
    ``rule`` the rule that something signed breaks, empty where it is not about that.
    """

    code = "request-refused"

    def __init__(self, code: str, status: int, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.rule = rule


class RemoteError(MolvaError):
    """A peer sent what no correct peer sends; the peer pays, nobody else."""

    code = "remote-error"


class Malformed(RemoteError):
    """The bytes are no value of this protocol."""

    code = "malformed"


class LimitExceeded(RemoteError):
    """More bytes, items or requests than this node granted."""

    code = "limit-exceeded"


class ProtocolViolation(RemoteError):
    """A well-formed value at a moment when it has no meaning."""

    code = "protocol-violation"


class NotAuthentic(RemoteError):
    """A signature, a MAC, a commitment or a proof does not hold."""

    code = "not-authentic"


class Replayed(RemoteError):
    """Authentic bytes that were accepted before."""

    code = "replayed"


class WrongVersion(RemoteError):
    """A protocol version that this node does not speak."""

    code = "wrong-version"


class CredentialError(MolvaError):
    """A presented credential breaks a rule of the verifier.

    ``rule`` is the rule's stable name, as listed in ``docs/spec``.
    """

    code = "credential-refused"

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class EnvironmentFault(MolvaError):
    """The world failed: disk, store, clock or network."""

    code = "environment-fault"


class StoreDamaged(EnvironmentFault):
    """The store cannot be read as one of ours."""

    code = "store-damaged"


class StoreLocked(EnvironmentFault):
    """Another process has this home open."""

    code = "store-locked"


class StoreFull(EnvironmentFault):
    """The device has no room left for a commit."""

    code = "store-full"


class PassphraseWrong(EnvironmentFault):
    """The store key does not unwrap with what was given."""

    code = "passphrase-wrong"


class HomeMissing(EnvironmentFault):
    """There is no profile in this home."""

    code = "home-missing"


class LinkFailed(EnvironmentFault):
    """A link could not be opened, or broke."""

    code = "link-failed"


class NodeNotRunning(EnvironmentFault):
    """Nothing answers at this home's control socket."""

    code = "node-not-running"


class TimedOut(EnvironmentFault):
    """There was no answer within the time given."""

    code = "timed-out"


class ClockDoubtful(EnvironmentFault):
    """The clock contradicts what this node already knows."""

    code = "clock-doubtful"
