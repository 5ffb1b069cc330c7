"""One batch in a process of its own, search included: prints its peak memory.

`python -m bench.alone erase|access KEYS CONNINFO COUNT [OBJECTS]`, ENGINE in the environment.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.erasing import asks, people
from bench.measuring import MAP, map_without_files
from upheld.database.conninfo import Conninfo, connect
from upheld.datamap import load_map
from upheld.evidence import load_keys
from upheld.requests.access import write_packages_for
from upheld.requests.erasure import Erasing
from upheld.requests.stores import Stores
from upheld.stores.objects import Objects


def main(what: str, keys: str, conninfo: str, count: str, *files: str) -> None:
    """Erase or package `count` people."""
    with (
        connect(os.environ["ENGINE"], autocommit=True) as conn,
        tempfile.TemporaryDirectory() as folder,
    ):
        wired = Stores(
            conn,
            load_keys(Path(keys)),
            {"studio": load_map(MAP) if files else map_without_files()},
            {"studio": Conninfo(conninfo)},
            {"media": Objects("media", f"file://{files[0]}")} if files else {},
            Path(folder),
            lambda: datetime.now(UTC),
        )
        who = asks(people(conninfo, int(count)))
        if what == "erase":
            Erasing(wired).erase(who)
        else:
            write_packages_for(wired, who, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"peak_mb": int(peak.split()[1]) / 1024}))
