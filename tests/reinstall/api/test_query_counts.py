"""Every list and single object takes the ledger's number of queries, with 1 row and with 50."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from reinstall.domain.states import JobState
from reinstall.models import ApiToken, Project
from tests import query_ledger
from tests.reinstall.api.client import Caller
from tests.reinstall.rows import (
    T0,
    a_job,
    a_key_pair,
    a_kms_key,
    a_preset,
    a_project,
    a_server,
    an_entry,
    an_order,
)

Make = Callable[[Project, User, int], object]


def make_job(shop: Project, bob: User, number: int) -> object:
    job = a_job(an_order(shop, bob), a_server(shop), JobState.QUEUED)
    return an_entry(job, JobState.QUEUED, 1, T0)


def make_used_preset(shop: Project, bob: User, number: int) -> object:
    preset = a_preset(shop, f"preset-{number}")
    return an_order(shop, bob, preset_version=preset.versions.get())


def make_finished_job_of_one_server(shop: Project, bob: User, number: int) -> object:
    server = shop.servers.first() or a_server(shop)
    order = an_order(shop, bob, created_at=T0 + timedelta(minutes=number))
    return a_job(order, server, JobState.SUCCEEDED, accepted_at=T0)


def make_token(shop: Project, bob: User, number: int) -> object:
    token = ApiToken.objects.create(
        user=bob, name=f"t{number}", prefix="ecsp_", digest=f"{number}", created_at=T0, expires_at=T0
    )
    token.projects.add(shop)
    return token


def make_project(shop: Project, bob: User, number: int) -> object:
    project = a_project(f"p-{number}")
    return project.memberships.create(user=bob, role="viewer")


LISTS: dict[str, Make] = {
    "projects": make_project,
    "servers": lambda shop, bob, number: make_job(shop, bob, number),
    "key-pairs": lambda shop, bob, number: a_key_pair(shop),
    "kms-keys": lambda shop, bob, number: a_kms_key(shop),
    "orders": make_job,
    "presets": lambda shop, bob, number: make_used_preset(shop, bob, number),
    "jobs": make_job,
    "tokens": make_token,
    "audit": make_job,
}


@pytest.mark.parametrize("name", LISTS)
def test_lists(call: Caller, shop: Project, bob: User, name: str):
    make = LISTS[name]
    make(shop, bob, 1)

    def more() -> None:
        for number in range(2, 51):
            make(shop, bob, number)

    def ask() -> None:
        answer = call.get(f"{name}/")
        assert answer.status_code == 200 and answer.json()["results"]

    query_ledger.holds(f"GET /api/v1/{name}/", ask, more)


def test_an_order_with_many_jobs(call: Caller, shop: Project, bob: User):
    order = an_order(shop, bob)
    a_job(order, a_server(shop))

    def more() -> None:
        for _ in range(49):
            a_job(order, a_server(shop))

    query_ledger.holds("GET /api/v1/orders/{id}/", lambda: call.get(f"orders/{order.pk}/"), more)


def test_a_job_with_a_long_history(call: Caller, shop: Project, bob: User):
    job = a_job(an_order(shop, bob), a_server(shop))
    an_entry(job, JobState.QUEUED, 1, T0)

    def more() -> None:
        for number in range(2, 51):
            an_entry(job, JobState.PREFLIGHT, number, T0)

    query_ledger.holds("GET /api/v1/jobs/{id}/", lambda: call.get(f"jobs/{job.pk}/"), more)


def test_a_job_with_much_evidence(call: Caller, shop: Project, bob: User):
    job = a_job(an_order(shop, bob), a_server(shop), JobState.ATTENTION)

    def see(number: int) -> None:
        job.evidence.create(kind="trace", observed_at=T0, digest=str(number), summary="Seen.")

    see(1)

    def more() -> None:
        for number in range(2, 51):
            see(number)

    query_ledger.holds("GET /api/v1/jobs/{id}/evidence/", lambda: call.get(f"jobs/{job.pk}/evidence/"), more)


def test_a_server_with_a_long_history(call: Caller, shop: Project, bob: User):
    make_finished_job_of_one_server(shop, bob, 1)
    server = shop.servers.get()

    def more() -> None:
        for number in range(2, 51):
            make_finished_job_of_one_server(shop, bob, number)

    query_ledger.holds("GET /api/v1/servers/{id}/", lambda: call.get(f"servers/{server.pk}/"), more)


def test_the_tool_catches_a_query_per_row(shop: Project, bob: User):
    make_job(shop, bob, 1)

    def ask() -> None:
        for job in shop.jobs.all():
            assert job.server.name

    with pytest.raises(AssertionError, match="2 queries with 1 row, 4 with 50"):
        query_ledger.holds("n plus one", ask, lambda: [make_job(shop, bob, n) for n in (2, 3)])


def test_the_tool_catches_a_count_that_is_not_the_ledgers(shop: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("UPDATE_QUERY_COUNTS", raising=False)
    with pytest.raises(AssertionError, match="the ledger says None"):
        query_ledger.holds("never written down", lambda: shop.jobs.count(), lambda: None)
