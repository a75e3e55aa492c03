"""Scripts and passwords of orders that ended long ago are emptied; of no other."""

from datetime import timedelta
from typing import Any

import pytest

from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Job, Order
from reinstall.services.forgetting import forget_secrets
from reinstall.tasks import tidy
from tests.reinstall.rows import T0, a_job, a_person, a_preset, a_project, a_server, an_order

pytestmark = pytest.mark.django_db

SEALED: dict[str, Any] = {
    "user_data_sealed": b"script",
    "user_data_bytes": 6,
    "adminpass_sealed": b"password",
    "password_set": True,
}


@pytest.fixture
def order(settings: Any) -> Order:
    settings.KEEP_SECRETS_DAYS = 30
    project = a_project()
    return an_order(project, a_person("bob", project), **SEALED)


def a_job_of(order: Order, state: JobState, **changes: Any) -> Job:
    return a_job(order, a_server(order.project), state, **changes)


def is_empty(order: Order) -> bool:
    order.refresh_from_db()
    return (bytes(order.user_data_sealed), bytes(order.adminpass_sealed)) == (b"", b"")


def test_they_go_when_the_days_are_over_and_what_they_were_stays(order: Order) -> None:
    a_job_of(order, JobState.SUCCEEDED, ended_at=T0)
    assert forget_secrets(now=T0 + timedelta(days=30)) == 0 and not is_empty(order)
    assert forget_secrets(now=T0 + timedelta(days=30, seconds=1)) == 1 and is_empty(order)
    assert (order.password_set, order.user_data_bytes) == (True, 6)
    entry = AuditEvent.objects.get(action="secrets.forgotten")
    assert entry.after == {"orders": 1, "days_kept": 30} and entry.actor_name == "engine"
    assert forget_secrets(now=T0 + timedelta(days=99)) == 0
    assert AuditEvent.objects.filter(action="secrets.forgotten").count() == 1


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.ATTENTION])
def test_a_job_that_goes_on_keeps_them(state: JobState, order: Order) -> None:
    a_job_of(order, JobState.SUCCEEDED, ended_at=T0)
    a_job_of(order, state)
    assert forget_secrets(now=T0 + timedelta(days=99)) == 0 and not is_empty(order)


def test_the_last_end_of_an_order_counts(order: Order) -> None:
    a_job_of(order, JobState.SUCCEEDED, ended_at=T0)
    a_job_of(order, JobState.FAILED, ended_at=T0 + timedelta(days=20))
    assert forget_secrets(now=T0 + timedelta(days=49)) == 0
    assert forget_secrets(now=T0 + timedelta(days=51)) == 1


def test_tidying_does_it(order: Order) -> None:
    a_job_of(order, JobState.SUCCEEDED, ended_at=T0)
    tidy()
    assert is_empty(order), "T0 lies more than 30 days back"


def test_a_preset_keeps_its_script(order: Order) -> None:
    """It is there to be used again; a preset nobody used can be deleted."""
    version = a_preset(order.project, user_data_sealed=b"script", user_data_bytes=6).versions.get()
    order.preset_version = version
    order.save()
    a_job_of(order, JobState.SUCCEEDED, ended_at=T0)
    assert forget_secrets(now=T0 + timedelta(days=99)) == 1 and is_empty(order)
    version.refresh_from_db()
    assert bytes(version.user_data_sealed) == b"script"
