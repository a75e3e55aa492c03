"""One bucket per cloud and share for all workers: what is taken is taken once, a pause holds for all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reinstall.domain.budgets import Share
from reinstall.models import Budget, Cloud
from reinstall.services import budget
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def cloud(settings: Any) -> int:
    settings.CALLS_PER_SECOND = {"submit": 1.0, "evidence": 2.0, "poll": 20.0, "sync": 20.0}
    return Cloud.objects.create(profile="otc", region="eu-de", created_at=T0).pk


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def taken(cloud: int, share: Share, seconds: float, calls: int, **more: Any) -> int:
    return budget.take(cloud_id=cloud, share=share, now=after(seconds), calls=calls, **more).calls


def test_a_share_is_spent_then_fills_with_time(cloud: int) -> None:
    assert taken(cloud, Share.POLL, 0, 20) == 20
    refused = budget.take(cloud_id=cloud, share=Share.POLL, now=T0, calls=4)
    assert (refused.calls, refused.again_at) == (0, after(0.2))
    assert taken(cloud, Share.POLL, 0.2, 4) == 4
    assert taken(cloud, Share.POLL, 0.2, 1) == 0


def test_part_of_what_is_wanted_is_given_where_that_is_of_use(cloud: int) -> None:
    assert taken(cloud, Share.POLL, 0, 15) == 15
    part = budget.take(cloud_id=cloud, share=Share.POLL, now=T0, calls=50, least=1)
    assert (part.calls, part.again_at) == (5, after(0.05))


def test_watching_starves_neither_sending_nor_evidence(cloud: int) -> None:
    while taken(cloud, Share.POLL, 0, 1):
        pass
    assert taken(cloud, Share.SUBMIT, 0, 3) == 3
    assert taken(cloud, Share.EVIDENCE, 0, 4) == 4


def test_calls_that_were_not_made_come_back_but_never_more_than_the_bucket_holds(cloud: int) -> None:
    taken(cloud, Share.POLL, 0, 20)
    budget.give_back(cloud_id=cloud, share=Share.POLL, calls=7)
    assert taken(cloud, Share.POLL, 0, 20, least=1) == 7
    budget.give_back(cloud_id=cloud, share=Share.POLL, calls=700)
    assert taken(cloud, Share.POLL, 0, 100, least=1) == 20


def test_a_pause_holds_for_all_and_the_longer_one_wins(cloud: int) -> None:
    until = budget.brake(cloud_id=cloud, share=Share.SUBMIT, now=T0, asked_s=7.0)
    assert after(7) <= until <= after(7.7)
    budget.brake(cloud_id=cloud, share=Share.SUBMIT, now=T0, asked_s=1.0)
    refused = budget.take(cloud_id=cloud, share=Share.SUBMIT, now=after(6.9), calls=3)
    assert refused.calls == 0
    assert refused.again_at >= until
    assert taken(cloud, Share.SUBMIT, 12, 3) == 3
    assert taken(cloud, Share.POLL, 0, 1) == 1, "another share is not braked"


def test_after_a_pause_nobody_starts_with_a_burst(cloud: int) -> None:
    until = budget.brake(cloud_id=cloud, share=Share.POLL, now=T0, asked_s=10.0)
    seconds = (until - T0).total_seconds()
    assert taken(cloud, Share.POLL, seconds + 0.1, 20, least=1) == 2


def test_a_limit_the_cloud_names_is_kept_to_from_then_on(cloud: int) -> None:
    message = "policy user over ratelimit,limit:60,time:1 minute"
    until = budget.brake(cloud_id=cloud, share=Share.POLL, now=T0, asked_s=60.0, message=message)
    start = (until - T0).total_seconds()
    made = sum(taken(cloud, Share.POLL, start + second / 10, 1) for second in range(1200))
    assert 105 <= made <= 60 * 2, "two minutes at 0.9 of the limit"
    budget.brake(cloud_id=cloud, share=Share.POLL, now=T0, asked_s=1.0, message="limit:900,time:1 second")
    assert Budget.objects.get(share="poll").limit_per_s == pytest.approx(0.9), "never raised again by a text"


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_never_take_more_than_there_is(cloud: int) -> None:
    def spend() -> int:
        return sum(taken(cloud, Share.POLL, 0, 1) for _ in range(10))

    budget.line(cloud_id=cloud, share=Share.POLL, now=T0)
    made = together([spend] * 6)
    assert all(isinstance(calls, int) for calls in made), made
    total = sum(calls for calls in made if isinstance(calls, int))
    assert 0 < total <= 20
    assert total + taken(cloud, Share.POLL, 0, 20, least=1) == 20
