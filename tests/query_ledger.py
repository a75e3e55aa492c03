"""The ledger of query counts: how many queries each page and list takes, the same with 1 and with 50 rows.

A test calls `holds(name, ask, more)`. UPDATE_QUERY_COUNTS=1 writes what was counted into the ledger; read the
difference before committing it.
"""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

from django.db import connection
from django.test.utils import CaptureQueriesContext

LEDGER = Path(__file__).parent / "house" / "query_counts.json"


def queries_of(ask: Callable[[], object]) -> list[str]:
    """The SQL of `ask`, called once before, so that what a process reads only once is not counted."""
    ask()
    with CaptureQueriesContext(connection) as captured:
        ask()
    return [query["sql"] for query in captured.captured_queries]


def holds(name: str, ask: Callable[[], object], more: Callable[[], object]) -> None:
    """Fails, showing the SQL, unless `ask` takes the ledger number of queries, before and after `more`.

    The caller has made one row of the kind that is listed; `more` makes 49 others.
    """
    with_one = queries_of(ask)
    more()
    with_many = queries_of(ask)
    assert len(with_one) == len(with_many), (
        f"{name}: {len(with_one)} queries with 1 row, {len(with_many)} with 50\n{_listed(with_many)}"
    )
    if os.environ.get("UPDATE_QUERY_COUNTS") == "1":
        _write(name, len(with_many))
    known = counts().get(name)
    assert known == len(with_many), (
        f"{name}: {len(with_many)} queries, the ledger says {known} (UPDATE_QUERY_COUNTS=1 rewrites it)\n"
        f"{_listed(with_many)}"
    )


def counts() -> dict[str, int]:
    """The ledger: name -> number of queries."""
    return dict(json.loads(LEDGER.read_text()))


def _listed(queries: list[str]) -> str:
    return "\n".join(f"{number:3} {sql[:400]}" for number, sql in enumerate(queries, 1))


def _write(name: str, count: int) -> None:
    with LEDGER.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ledger = json.load(file) | {name: count}
        file.seek(0)
        file.truncate()
        file.write(json.dumps(dict(sorted(ledger.items())), indent=2) + "\n")
