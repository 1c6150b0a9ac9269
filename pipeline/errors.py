"""The tree of errors. Each names a situation, carries its exit code and says what to do next.

Exit codes follow sysexits.h where it has a fitting one: 64 contract, 65 refused, 66 source, 70 bug, 75 transient.
"""

from __future__ import annotations


class LandfallError(Exception):
    """Base of every error that a person is meant to read: one message, one exit code, no traceback."""

    exit_code = 70
    kind = "bug"
    transient = False


class UsageError(LandfallError):
    """The command line or the environment asks for something that cannot be done."""

    exit_code = 2
    kind = "usage"


class ContractError(LandfallError):
    """A contract is invalid, or no single contract describes the object."""

    exit_code = 64
    kind = "contract"


class RefusedError(LandfallError):
    """The contract said no: reject budget, header policy or a dataset rule. Nothing was published."""

    exit_code = 65
    kind = "refused"


class SourceError(LandfallError):
    """The source object is missing, unreadable, corrupt or not what its contract says."""

    exit_code = 66
    kind = "source"


class TransientError(LandfallError):
    """A retry may help: database or S3 unreachable, lock not obtained, interrupted."""

    exit_code = 75
    kind = "transient"
    transient = True


class ConnectionLostError(TransientError):
    """The database was there and is gone, as when it restarts; whatever was not committed is rolled back."""

    kind = "connection"


class InterruptedLoadError(TransientError):
    """A signal asked the process to stop; what was under way is rolled back."""

    kind = "interrupted"


class DestinationError(LandfallError):
    """The database refused for a reason that a retry will not change: missing rights, a constraint of its own."""

    exit_code = 65
    kind = "destination"


class BalanceError(LandfallError):
    """The counts of a load do not balance: a bug, and nothing was published."""

    exit_code = 70
    kind = "balance"
