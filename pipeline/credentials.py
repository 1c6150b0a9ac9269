"""What it means when the AWS library finds no credentials, or cannot fetch them."""

from __future__ import annotations

from pipeline.errors import LandfallError, TransientError, UsageError

_ABSENT = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound")
_NOT_FETCHED = ("CredentialRetrievalError", "MetadataRetrievalError")


def credentials_error(error: Exception, what: str) -> LandfallError | None:
    """Our error for one of botocore's about credentials or the region; None for any other. `what`: what needs them.

    `UsageError` where somebody has to set something, `TransientError` where the endpoint that lends them (that of a
    task, of an instance) did not answer.
    """
    kind = type(error).__name__
    if kind in _ABSENT:
        return UsageError(
            f"{what}: there are no AWS credentials ({kind}): set AWS_PROFILE or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or run with a role"
        )
    if kind == "NoRegionError":
        return UsageError(f"{what}: there is no AWS region ({kind}): set AWS_REGION")
    if kind in _NOT_FETCHED:
        return TransientError(f"{what}: the AWS credentials could not be fetched ({kind}); load again")
    return None
