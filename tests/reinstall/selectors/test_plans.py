"""Lists and the sweep are read from an index, in order: what a database of years must not make slow.

The plans are asked for with the parameters apart, as Django sends them on SQLite.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection

from reinstall.domain.actors import Actor, Source
from reinstall.models.clock import database_now
from reinstall.selectors.jobs import JobFilters, job_page
from reinstall.selectors.projects import nav_counts
from reinstall.selectors.servers import ServerFilters, server_page
from reinstall.services import engine

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the plans are those of SQLite"),
]

ALL = Actor(user_id=None, name="all", source=Source.COMMAND, sees_all=True)
MEMBER = Actor(user_id=1, name="member", source=Source.COMMAND, sees_all=False)


def plans_of(call: Callable[[], object]) -> list[str]:
    """The plan of every SELECT `call` makes, each as one text."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        call()
    plans = []
    with connection.cursor() as cursor:
        for sql, params in asked:
            if sql.startswith("SELECT"):
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                plans.append("; ".join(row[-1] for row in cursor.fetchall()))
    return plans


def test_the_sweep_reads_due_jobs_only() -> None:
    now = database_now()
    [plan] = plans_of(lambda: engine.due_jobs(now=now))
    assert "USING INDEX job_due (next_at<?)" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("actor", [ALL, MEMBER])
@pytest.mark.parametrize(
    ("project", "jobs", "servers"), [("", "job_by_time", "server_by_name"), ("a", "job_list", "server_list")]
)
def test_lists_follow_an_index_and_sort_nothing(actor: Actor, project: str, jobs: str, servers: str) -> None:
    for index, call in (
        (jobs, lambda: job_page(actor, JobFilters(project=project))),
        (servers, lambda: server_page(actor, ServerFilters(project=project))),
    ):
        plan = plans_of(call)[0]
        assert f"INDEX {index}" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("actor", [ALL, MEMBER])
@pytest.mark.parametrize("project", ["", "a"])
@pytest.mark.parametrize("ordering", ["status", "image", "seen_at"])
def test_every_order_of_servers_has_its_index(actor: Actor, project: str, ordering: str) -> None:
    index = {
        "status": ("server_all_status", "server_by_status"),
        "image": ("server_all_image", "server_by_image"),
        "seen_at": ("server_all_seen", "server_by_seen"),
    }[ordering][bool(project)]
    for name in (ordering, f"-{ordering}"):
        asked = ServerFilters(project=project, ordering=name)
        plan = plans_of(partial(server_page, actor, asked))[0]
        assert f"INDEX {index}" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("actor", [ALL, MEMBER])
def test_what_needs_a_look_is_counted_without_visiting_what_is_handled(actor: Actor) -> None:
    seek = "job_to_look_at (project_id=? AND state=? AND handled_at=?)"
    assert any(seek in plan for plan in plans_of(lambda: nav_counts(actor)))
