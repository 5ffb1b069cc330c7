"""One erasure in a process of its own, search included: prints its peak memory."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.erasing import asks, people
from bench.measuring import map_without_files
from upheld.database.conninfo import Conninfo, connect
from upheld.evidence import load_keys
from upheld.requests.erasure import Erasing
from upheld.requests.stores import Stores

if __name__ == "__main__":
    keys, conninfo, count = sys.argv[1:]
    with (
        connect(os.environ["ENGINE"], autocommit=True) as conn,
        tempfile.TemporaryDirectory() as folder,
    ):
        wired = Stores(
            conn,
            load_keys(Path(keys)),
            {"studio": map_without_files()},
            {"studio": Conninfo(conninfo)},
            {},
            Path(folder),
            lambda: datetime.now(UTC),
        )
        Erasing(wired).erase(asks(people(conninfo, int(count))))
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"peak_mb": int(peak.split()[1]) / 1024}))
