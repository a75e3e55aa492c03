"""One limit for all processes: counted in the database, in as few statements as can be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor
from reinstall.domain.errors import TooMany
from reinstall.domain.throttles import DEFAULTS, Kind, Limit
from reinstall.models import Order, Project, RateCount, Server
from reinstall.services import throttles
from simulator.server import RunningSimulator
from tests.query_ledger import queries_of
from tests.reinstall.conftest import actor_for, free_servers, placed_job
from tests.reinstall.services.together import together

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def limits(settings: Any) -> Callable[..., None]:
    def to(**given: Limit | None) -> None:
        settings.THROTTLES = {**DEFAULTS, **{Kind(name): limit for name, limit in given.items()}}

    return to


def spent(kind: Kind, seconds: float = 0, principal: str = "token:1") -> int | None:
    """What is left after one more; None when it was refused."""
    try:
        found = throttles.spend(principal=principal, kind=kind, now=T0 + timedelta(seconds=seconds))
    except TooMany:
        return None
    assert found is not None
    return found.left


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Kind.READ, Kind.WRITE])
def test_a_limit_is_spent_to_the_last_and_begins_anew_with_the_window(kind: Kind, limits: Any) -> None:
    limits(read=Limit(40, 60), write=Limit(40, 60))
    assert [spent(kind) for _ in range(42)] == [*range(39, -1, -1), None, None]
    assert spent(kind, 54.9) is None
    assert spent(kind, 55) == 39


@pytest.mark.django_db
def test_each_principal_and_each_kind_has_its_own(limits: Any) -> None:
    limits(read=Limit(1, 60), write=Limit(1, 60))
    assert spent(Kind.READ) == spent(Kind.WRITE) == spent(Kind.READ, principal="token:2") == 0
    assert spent(Kind.READ) is spent(Kind.WRITE) is spent(Kind.READ, principal="token:2") is None


@pytest.mark.django_db
def test_a_refusal_says_what_the_limit_is_and_when_to_go_on(limits: Any) -> None:
    limits(write=Limit(1, 60))
    spent(Kind.WRITE)
    with pytest.raises(TooMany) as caught:
        throttles.spend(principal="token:1", kind=Kind.WRITE, now=T0)
    assert (
        str(caught.value) == "This is more than 1 a minute, the limit for changes here. Go on in 55 seconds."
    )
    assert (caught.value.standing.left, caught.value.standing.reset_s) == (0, 55)


@pytest.mark.django_db
def test_what_is_not_limited_is_not_counted(limits: Any) -> None:
    limits(read=None)
    assert throttles.spend(principal="token:1", kind=Kind.READ, now=T0) is None
    assert not RateCount.objects.exists()


@pytest.mark.django_db
def test_reads_take_one_statement_for_a_block_and_a_refusal_none(limits: Any) -> None:
    limits(read=Limit(100, 60), write=Limit(5, 60))
    statements = [len(queries_of(lambda: spent(Kind.READ))) for _ in range(10)]
    # Each look asks twice: of two blocks of five reads, one more statement each.
    assert sum(statements) in (1, 2, 3)
    assert {len(queries_of(lambda: spent(Kind.WRITE, principal="w"))) for _ in range(2)} == {1}
    while spent(Kind.READ) is not None:
        pass
    assert queries_of(lambda: spent(Kind.READ)) == []


@pytest.mark.django_db
def test_what_other_processes_counted_is_counted_here(limits: Any) -> None:
    limits(read=Limit(40, 60))
    window = Limit(40, 60).window(T0)
    assert spent(Kind.READ) == 39
    # Others took 36 of what was left; this process holds one more of its block of two.
    RateCount.objects.update(count=38)
    assert [spent(Kind.READ) for _ in range(4)] == [38, 1, 0, None]
    assert RateCount.objects.get().window_start == window


@pytest.mark.django_db
def test_a_process_whose_clock_is_behind_begins_no_old_window(limits: Any) -> None:
    limits(write=Limit(2, 60))
    assert spent(Kind.WRITE, 60) == 1
    throttles.forget()
    assert spent(Kind.WRITE, 0) == 0
    assert spent(Kind.WRITE, 0) is None
    assert spent(Kind.WRITE, 60) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [Kind.READ, Kind.WRITE])
def test_threads_that_ask_at_once_share_the_limit(kind: Kind, limits: Any) -> None:
    limits(read=Limit(40, 60), write=Limit(40, 60))

    def hammer() -> int:
        return sum(spent(kind) is not None for _ in range(20))

    given = together([hammer] * 4)
    assert sum(n for n in given if isinstance(n, int)) == 40, given


@pytest.mark.django_db
def test_old_counts_are_swept_and_those_of_today_stay(limits: Any) -> None:
    spent(Kind.WRITE)
    spent(Kind.WRITE, seconds=49 * 3600, principal="token:2")
    assert throttles.forget_old(now=T0 + timedelta(hours=49)) == 1
    assert RateCount.objects.get().name == "write token:2"


@pytest.mark.parametrize("kind", [Kind.ORDER, Kind.PROJECT])
def test_orders_are_limited_for_each_person_and_each_project(
    kind: Kind, actor: Actor, project: Project, simulator: RunningSimulator, limits: Any
) -> None:
    limits(**{kind.value: Limit(1, 3600)})
    first, second, *_ = free_servers(project)
    placed_job(actor, first)
    boss = actor_for(User.objects.create_superuser("boss"))
    other = {Kind.ORDER: actor, Kind.PROJECT: boss}[kind]
    with pytest.raises(TooMany, match="Yours was not sent. Go on in"):
        placed_job(other, second)
    assert Order.objects.count() == 1
    assert not simulator.accepted()


def test_an_order_that_is_refused_anyhow_is_not_counted(actor: Actor, server: Server, limits: Any) -> None:
    limits(order=Limit(1, 3600))
    with pytest.raises(Exception, match="Type the server name"):
        placed_job(actor, server, confirm="wrong")
    assert not RateCount.objects.exists()
    placed_job(actor, server)
    assert {row.name: row.count for row in RateCount.objects.all()} == {
        f"order user:{actor.user_id}": 1,
        f"project {server.project.slug}": 1,
    }
