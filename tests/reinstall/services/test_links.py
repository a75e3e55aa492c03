"""Sessions to a project's cloud: one sign-in serves every thread and leaves no secret behind."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User

from ecsclient import servers
from reinstall.domain.states import JobState
from reinstall.models import Project
from reinstall.services import links
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, actor_for, added_project, finished, free_servers, placed_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_password(db: None, simulator: RunningSimulator) -> Project:
    """shop-prod, signed in to with user and password."""
    credentials = simulator.cloud_json("shop-prod", "password")["credentials"]
    return added_project(simulator, credentials=credentials)


def test_a_reinstall_with_a_token_runs_to_success_and_keeps_no_password(
    by_password: Project, user: User, simulator: RunningSimulator, clock: Clock
) -> None:
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    user.refresh_from_db()
    job = placed_job(actor_for(user), free_servers(by_password)[0])
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED, job.failure_message
    assert job.attempts.get().body_sha256 == simulator.accepted()[0]["body_sha256"]
    password = simulator.cloud_json("shop-prod", "password")["credentials"]["password"]
    assert password not in json.dumps(list(job.exchanges.values()), default=repr)


def test_threads_share_one_sign_in(by_password: Project, simulator: RunningSimulator) -> None:
    links.forget_sessions()
    # Read here: the other threads do not see rows of this test's transaction.
    assert by_password.cloud.endpoints
    before = _sign_ins(simulator)
    with ThreadPoolExecutor(4) as pool:
        counted = list(
            pool.map(lambda _: len(list(servers.list_servers(links.session_of(by_password)))), range(8))
        )
    assert len(set(counted)) == 1
    assert _sign_ins(simulator) == before + 1


def _sign_ins(simulator: RunningSimulator) -> int:
    rows = simulator.ledger()["requests"]
    return sum(row["method"] == "POST" and row["path"].startswith("/v3/auth/tokens") for row in rows)
