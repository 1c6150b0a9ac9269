"""The rehearsal's local AWS, but of one file's tasks it says what stock moto says of all: exit code 0, whatever happened.

By this the rehearsal shows that its own test of retries can fail: `python -m tests.cloud.forgetful_aws -H HOST -p PORT`.
"""

from __future__ import annotations

import json

from rehearse import ecs, server

FORGOTTEN = "acme/orders/orders_forgotten.csv"
_end = ecs.TaskRun.end


def end(self: ecs.TaskRun, exit_code: int) -> None:
    """The exit code of a task that was to load FORGOTTEN is lost."""
    forget = FORGOTTEN in json.dumps(self.task.overrides)
    _end(self, 0 if forget else exit_code)


if __name__ == "__main__":
    ecs.TaskRun.end = end  # type: ignore[method-assign]
    server.main()
