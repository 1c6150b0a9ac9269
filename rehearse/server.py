"""The local AWS: `python -m rehearse.server -H 0.0.0.0 -p PORT`, started by rehearse/site.py with its environment."""

from __future__ import annotations

import sys
from importlib.metadata import version

MOTO = "5.2.5"  # the patches touch moto's insides: another version needs another look at each of them


def main() -> None:
    """Patch moto and serve. Exits at once with any other version of moto."""
    if version("moto") != MOTO:
        sys.exit(f"The rehearsal patches moto {MOTO}, and {version('moto')} is installed: see rehearse/server.py")
    from moto.server import main as serve

    from rehearse import ecs, events, readback

    for part in (ecs, events, readback):
        part.install()
    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
