"""Same key, same answer; never two answers, never an act twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reinstall.domain.errors import Conflict, RuleBroken
from reinstall.models import IdempotencyKey
from reinstall.services import idempotency
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def begin(**changes: Any) -> idempotency.Replay | None:
    values: dict[str, Any] = {"principal": "user:1", "key": "k-1", "fingerprint": "f", "now": NOW}
    return idempotency.begin(**(values | changes))


def test_the_first_request_goes_ahead_and_the_second_gets_its_answer() -> None:
    assert begin() is None
    idempotency.finish(principal="user:1", key="k-1", status=201, answer={"id": 7})
    assert begin() == idempotency.Replay(201, {"id": 7})
    assert begin(now=NOW + timedelta(days=29)) == idempotency.Replay(201, {"id": 7})


def test_while_the_first_is_at_work_the_second_waits() -> None:
    begin()
    with pytest.raises(Conflict) as caught:
        begin(now=NOW + timedelta(seconds=119))
    assert caught.value.code == "in_progress"


def test_a_first_request_that_died_gives_its_key_to_exactly_one_other() -> None:
    begin()
    late = NOW + timedelta(seconds=121)
    assert begin(now=late) is None
    with pytest.raises(Conflict):
        begin(now=late)


@pytest.mark.parametrize("answered", [True, False])
def test_the_same_key_with_another_body_is_refused_by_its_header(answered: bool) -> None:
    begin()
    if answered:
        idempotency.finish(principal="user:1", key="k-1", status=201, answer={})
    with pytest.raises(RuleBroken) as caught:
        begin(fingerprint="g", now=NOW + timedelta(days=1))
    assert (caught.value.errors[0].field, caught.value.errors[0].code) == ("Idempotency-Key", "key_reused")


def test_the_same_key_of_another_principal_is_another_key() -> None:
    begin()
    assert begin(principal="token:1", fingerprint="g") is None


def test_a_key_that_was_given_back_can_be_used_for_a_corrected_body() -> None:
    begin()
    idempotency.abandon(principal="user:1", key="k-1")
    assert begin(fingerprint="g") is None


def test_an_answer_is_not_given_back() -> None:
    begin()
    idempotency.finish(principal="user:1", key="k-1", status=201, answer={"id": 7})
    idempotency.abandon(principal="user:1", key="k-1")
    assert begin() == idempotency.Replay(201, {"id": 7})


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "é", "a\n", "a\0"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        begin(key=key)
    assert caught.value.errors[0].field == "Idempotency-Key"
    assert not IdempotencyKey.objects.exists()


def test_keys_are_forgotten_after_thirty_days() -> None:
    begin()
    begin(key="k-2", now=NOW + timedelta(days=2))
    assert idempotency.forget_old(now=NOW + timedelta(days=30, seconds=1)) == 1
    assert IdempotencyKey.objects.get().key == "k-2"


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_goes_ahead(transactional_db: None) -> None:
    results = together([begin] * 8)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 7, results


@pytest.mark.django_db(transaction=True)
def test_keys_given_back_while_others_begin_are_never_an_error(transactional_db: None) -> None:
    def use() -> int:
        for _ in range(20):
            try:
                if begin() is None:
                    idempotency.abandon(principal="user:1", key="k-1")
            except Conflict:
                pass
        return 20

    assert together([use] * 4) == [20] * 4


@pytest.mark.django_db(transaction=True)
def test_of_many_that_take_over_a_dead_request_exactly_one_goes_ahead(transactional_db: None) -> None:
    begin()
    results = together([lambda: begin(now=NOW + timedelta(minutes=3))] * 6)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 5, results
