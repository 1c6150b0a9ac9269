"""Fetch the CA bundle of Amazon RDS: python fetch_ca_bundle.py URL SHA256 TARGET.

Where the URL cannot be reached the image is built without it, with a warning. Anything else than the bundle that was
reviewed fails the build: whoever can change it could read the connections to the database.
"""

from __future__ import annotations

import hashlib
import sys
import urllib.request
from pathlib import Path


def main(url: str, sha256: str, target: Path) -> None:
    """Write the bundle to `target`, or warn. Raises SystemExit when the checksum is another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - a build argument, https by default
            content = answer.read()
    except OSError as error:
        print(
            f"WARNING: no RDS CA bundle in this image: {url} cannot be reached ({error}). "
            "sslmode=verify-full needs one: build again where it can, or mount one and set LANDFALL_CA_BUNDLE",
            file=sys.stderr,
        )
        return
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(
            f"{url}: SHA-256 is {found}, expected {sha256}. AWS adds authorities now and then: review the new bundle, "
            "then pass its checksum as --build-arg RDS_CA_SHA256=..."
        )
    target.write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
