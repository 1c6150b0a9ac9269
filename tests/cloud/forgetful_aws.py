"""The rehearsal's local AWS, but of one file's tasks it says what stock moto says of all: exit code 0, whatever happened.

By this the rehearsal shows that its own test of retries can fail: `python -m tests.cloud.forgetful_aws -H HOST -p PORT`.
"""

from __future__ import annotations

import json
from typing import Any

from rehearse import server

FORGOTTEN = "acme/orders/orders_forgotten.csv"


def main() -> None:
    """Lose the exit code of each task that was to load FORGOTTEN, and serve."""
    from rehearse.ecs import TaskRun

    true_end = TaskRun.end

    def end(self: Any, exit_code: int) -> None:
        true_end(self, 0 if FORGOTTEN in json.dumps(self.task.overrides) else exit_code)

    TaskRun.end = end  # type: ignore[method-assign]
    server.main()


if __name__ == "__main__":
    main()
