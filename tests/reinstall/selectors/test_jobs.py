import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.identity import DiskFacts, ServerFacts
from reinstall.domain.states import ACTIVE, FINAL, JobState
from reinstall.models import Exchange, Job, Project
from reinstall.selectors import jobs
from reinstall.selectors.jobs import JobFilters, get_job, job_page, job_stamps, job_version
from reinstall.selectors.projects import nav_counts
from tests.reinstall.rows import T0, a_job, a_person, a_project, a_server, an_actor, an_order

S = JobState


def job_in(shop: Project, state: JobState = S.QUEUED, **changes: Any) -> Job:
    person = bob_of(shop)
    created = changes.pop("created_at", T0)
    server = changes.pop("server", None) or a_server(shop)
    return a_job(an_order(shop, person, created_at=created), server, state, **changes)


def bob_of(shop: Project) -> Any:
    return shop.memberships.get().user


def ids(actor: Actor, **filters: Any) -> list[int]:
    return [row.id for row in job_page(actor, JobFilters(**filters)).items]


def test_lists_are_newest_first_and_scoped(shop: Project, bob: Actor):
    old = job_in(shop)
    new = job_in(shop, created_at=T0 + timedelta(minutes=1))
    other = a_project("other")
    foreign = a_job(an_order(other, a_person("eve", other)), a_server(other))
    assert ids(bob) == [new.pk, old.pk]
    assert ids(bob, project="other") == ids(bob, order=foreign.order_id) == []
    for read in (get_job, job_version, jobs.exchanges):
        with pytest.raises(NotFound):
            read(bob, foreign.pk)


def test_every_state_is_in_exactly_one_of_the_tabs_but_failed(shop: Project, bob: Actor):
    by_state = {state: job_in(shop, state).pk for state in JobState}
    running, attention, finished = (set(ids(bob, tab=tab)) for tab in ("running", "attention", "finished"))
    assert attention == {by_state[S.UNCERTAIN], by_state[S.ATTENTION], by_state[S.FAILED]}
    assert running == {by_state[state] for state in ACTIVE - {S.UNCERTAIN, S.ATTENTION}}
    assert finished == {by_state[state] for state in FINAL}
    assert set(ids(bob, tab="all")) == set(by_state.values())
    counts = nav_counts(bob, shop)
    # What waits for somebody to agree is not running.
    assert (counts.servers, counts.running, counts.attention) == (15, len(running) - 1, 3)


def test_a_failed_job_needs_no_look_once_its_server_was_reinstalled_or_is_gone(shop: Project, bob: Actor):
    server = a_server(shop)
    job_in(shop, S.FAILED, server=server)
    job_in(shop, S.SUCCEEDED, server=server, created_at=T0 + timedelta(hours=1))
    job_in(shop, S.FAILED, server=a_server(shop, gone_at=T0))
    last = job_in(shop, S.FAILED, server=a_server(shop))
    assert ids(bob, tab="attention") == [last.pk]


def test_filters(shop: Project, bob: Actor):
    one = job_in(shop, S.FAILED, failure_code="Ecs.0021", failure_message="No quota.")
    two = job_in(shop, S.RUNNING)
    assert ids(bob, state="failed") == [one.pk]
    assert ids(bob, server=str(two.server_id)) == [two.pk]
    assert ids(bob, order=one.order_id) == [one.pk]
    assert set(ids(bob, requested_by="bob")) == {one.pk, two.pk}
    assert ids(bob, requested_by="eve") == []
    assert ids(bob, q="ecs.0021") == [one.pk]
    assert ids(bob, q=f"#{two.pk}") == [two.pk]
    assert ids(bob, q=two.server_name.upper()) == [two.pk]
    assert ids(bob, q="9" * 40) == []


@pytest.mark.parametrize(
    "filters", [{"state": "done"}, {"tab": "mine"}, {"server": "x"}, {"ordering": "server"}]
)
def test_what_is_no_filter_is_refused_by_name(shop: Project, bob: Actor, filters: dict[str, str]):
    with pytest.raises(RuleBroken) as broken:
        ids(bob, **filters)
    assert broken.value.errors[0].field in filters


def test_a_row_says_the_step_or_the_cause(shop: Project, bob: Actor):
    running = job_in(shop, S.RUNNING, cloud_status="RUNNING", sent_at=T0)
    failed = job_in(
        shop,
        S.FAILED,
        failure_code="Ecs.0021",
        failure_message="No quota.",
        sent_at=T0 + timedelta(seconds=60),
    )
    rows = {row.id: row for row in job_page(bob, JobFilters()).items}
    assert rows[running.pk].step == "Cloud is rebuilding the system disk (RUNNING)"
    assert rows[running.pk].took_s is None
    assert rows[failed.pk].step == "No quota. (Ecs.0021)"
    assert rows[failed.pk].took_s == 120


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 2},
        {"polled_at": T0},
        {"cloud_steps": [{"id": "1", "status": "RUNNING"}]},
        {"waiting_for": "the cloud asked to wait"},
        {"cloud_status": "RUNNING"},
        {"next_at": T0},
    ],
)
def test_the_stamp_changes_with_everything_shown(shop: Project, bob: Actor, changes: dict[str, Any]):
    job = job_in(shop)
    before = job_version(bob, job.pk)
    assert job_version(bob, job.pk) == before == get_job(bob, job.pk).stamp
    Job.objects.filter(pk=job.pk).update(**changes)
    after = job_version(bob, job.pk)
    assert after != before
    assert job_stamps([job.pk, 10**9]) == {job.pk: after}


def durations(shop: Project, count: int) -> None:
    """`count` successful runs of 10, 20, 30 … seconds."""
    for number in range(1, count + 1):
        job_in(
            shop,
            S.SUCCEEDED,
            accepted_at=T0,
            ended_at=T0 + timedelta(seconds=10 * number),
            cloud_job_id="c0ffee00c0ffee00",
        )


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_under_five_runs_nothing_is_estimated(shop: Project, bob: Actor):
    durations(shop, 4)
    job = job_in(shop, S.RUNNING, accepted_at=T0)
    progress = get_job(bob, job.pk, now=at(30)).progress
    assert (progress.elapsed_s, progress.half_s, progress.nine_of_ten_s, progress.left_s) == (
        30,
        None,
        None,
        None,
    )
    assert (progress.samples, progress.percent) == (4, 0)


def test_the_estimate_is_what_earlier_runs_took(shop: Project, bob: Actor):
    durations(shop, 10)
    job = job_in(shop, S.RUNNING, accepted_at=T0)
    progress = get_job(bob, job.pk, now=at(45)).progress
    assert (progress.half_s, progress.nine_of_ten_s, progress.left_s) == (50, 90, 5)
    assert (progress.samples, progress.percent) == (10, 50)


def test_the_bar_waits_until_the_end_is_proven(shop: Project, bob: Actor):
    durations(shop, 10)
    job = job_in(shop, S.RUNNING, accepted_at=T0)
    assert get_job(bob, job.pk, now=at(3600)).progress.percent == 97
    done = Job.objects.filter(state=S.SUCCEEDED)[0]
    assert get_job(bob, done.pk, now=at(3600)).progress.percent == 100


def test_a_project_with_few_runs_learns_from_its_cloud(shop: Project, bob: Actor):
    sibling = a_project("sibling", cloud=shop.cloud)
    a_person("eve", sibling)
    durations(sibling, 10)
    job = job_in(shop, S.RUNNING, accepted_at=T0)
    assert get_job(bob, job.pk, now=at(1)).progress.samples == 10


def test_disks_show_what_became_of_them(shop: Project, bob: Actor):
    before = ServerFacts(
        "s",
        "web",
        disks=(
            DiskFacts("data", "/dev/vdb", 100),
            DiskFacts("old", "/dev/vda", 40, boot_index=0),
            DiskFacts("lost", "/dev/vdc", 5),
        ),
    )
    after = dataclasses.replace(
        before, disks=(DiskFacts("new", "/dev/vda", 40, boot_index=0), DiskFacts("data", "/dev/vdb", 100))
    )
    job = job_in(shop, S.VERIFYING, snapshot=before.to_json())
    told = [(disk.id, disk.role, disk.fate, disk.id_after) for disk in get_job(bob, job.pk).disks]
    assert told == [
        ("old", "system", "wiped", ""),
        ("data", "data", "kept", ""),
        ("lost", "data", "kept", ""),
    ]
    Job.objects.filter(pk=job.pk).update(baseline=before.to_json(), found_after=after.to_json())
    told = [(disk.id, disk.role, disk.fate, disk.id_after) for disk in get_job(bob, job.pk).disks]
    assert told == [
        ("old", "system", "wiped", "new"),
        ("data", "data", "kept", "data"),
        ("lost", "data", "missing", ""),
    ]


@pytest.mark.parametrize("end", [S.REJECTED, S.NOT_APPLIED, S.CANCELLED, S.EXPIRED])
def test_a_job_that_never_got_to_the_disks_wiped_none(end: S, shop: Project, bob: Actor):
    before = ServerFacts("s", "web", disks=(DiskFacts("old", "/dev/vda", 40, boot_index=0),))
    job = job_in(shop, end, snapshot=before.to_json(), ended_at=T0)
    assert [disk.fate for disk in get_job(bob, job.pk).disks] == ["kept"]


def test_exchanges_come_in_order_with_every_column(shop: Project, bob: Actor):
    job = job_in(shop)
    for path in ("/a", "/b"):
        Exchange.objects.create(job=job, at=T0, last_at=T0, method="GET", path=path, status=200, times=14)
    found = jobs.exchanges(bob, job.pk)
    assert [call.path for call in found] == ["/a", "/b"]
    assert (found[0].method, found[0].status, found[0].times, found[0].at) == ("GET", 200, 14, T0)


def test_who_may_cancel(shop: Project, bob: Actor):
    eve = an_actor(a_person("eve", shop, role="viewer"))
    server = a_server(shop)
    job = a_job(an_order(shop, shop.memberships.get(role="requester").user), server)
    assert get_job(bob, job.pk).can_cancel and not get_job(eve, job.pk).can_cancel
    Job.objects.filter(pk=job.pk).update(state=S.SUBMITTING)
    assert not get_job(bob, job.pk).can_cancel
