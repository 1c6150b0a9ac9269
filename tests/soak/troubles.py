"""What befalls the soak from outside, every few seconds: sessions ended, connections cut, a network that is down."""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import closing

from pipeline.load.connect import Destination, connect
from tests.proxy import Proxy

PAUSE = (1.0, 4.0)  # seconds between two troubles
DOWN = 1.5  # seconds for which the network is down
PLACES = (b"COPY ", b"COMMIT", b"INSERT INTO", b"CREATE ")


class Troubles:
    """A context manager: makes trouble until `stop`. `made`: how often each."""

    def __init__(self, database: Destination, proxy: Proxy, seed: int) -> None:
        self.made: Counter[str] = Counter()
        self._database = database
        self._proxy = proxy
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Troubles:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """From now on all is well."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._chance.uniform(*PAUSE)):
            trouble = self._chance.choice([self._terminate, self._cut, self._go_down])
            self.made[trouble.__name__.strip("_").replace("_", " ")] += 1
            trouble()

    def _terminate(self) -> None:
        with closing(connect(self._database, "trouble", wait=30)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name IN ('landfall:ledger', 'landfall:staging')"
            )

    def _cut(self) -> None:
        """The next message of some kind is the last of its connection; sometimes it still arrives."""
        before = self._proxy.strikes
        self._proxy.deliver = self._chance.random() < 0.5
        self._proxy.cut_at = self._chance.choice(PLACES)
        for _ in range(100):
            if self._proxy.strikes > before or self._over.wait(0.02):
                break
        self._proxy.cut_at = None

    def _go_down(self) -> None:
        self._proxy.down = True
        self._over.wait(DOWN)
        self._proxy.down = False
