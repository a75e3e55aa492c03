from collections.abc import Sequence
from datetime import timedelta

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.states import FINAL, JobState
from reinstall.models import Job, Project
from reinstall.selectors.job_detail import JobView
from reinstall.selectors.jobs import get_job
from tests.reinstall.rows import T0, a_job, a_server, an_entry, an_order

S = JobState
STRAIGHT = [S.QUEUED, S.PREFLIGHT, S.SUBMITTING, S.RUNNING, S.VERIFYING, S.SUCCEEDED]


def job_that_went(shop: Project, path: Sequence[JobState], **changes: object) -> Job:
    """A job that entered the states of `path` ten seconds apart, with an entry "into <state>" each."""
    order = an_order(shop, shop.memberships.get().user)
    state = path[-1]
    sent = S.RUNNING in path or S.VERIFYING in path
    if sent:
        changes = {"cloud_job_id": "c0ffee00c0ffee00"} | changes
    if state in FINAL:
        changes = {"ended_at": T0 + timedelta(seconds=10 * (len(path) - 1))} | changes
    job = a_job(order, a_server(shop), state, seq=len(path), **changes)
    for number, entered in enumerate(path):
        an_entry(job, entered, number + 1, T0 + timedelta(seconds=10 * number), f"into {entered}")
    return job


def states(view: JobView) -> dict[str, str]:
    return {step.key: step.state.value for step in view.steps}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            STRAIGHT[:1],
            "done todo done todo todo todo todo",
        ),
        (
            STRAIGHT[:2],
            "done active done todo todo todo todo",
        ),
        (
            STRAIGHT[:3],
            "done done done active todo todo todo",
        ),
        (
            STRAIGHT[:4],
            "done done done done active todo todo",
        ),
        (
            STRAIGHT[:5],
            "done done done done done active todo",
        ),
        (
            STRAIGHT,
            "done done done done done done done",
        ),
        (
            [*STRAIGHT[:4], S.FAILED],
            "done done done done failed skipped done",
        ),
        (
            [*STRAIGHT[:2], S.REJECTED],
            "done failed done skipped skipped skipped done",
        ),
        (
            [*STRAIGHT[:3], S.REJECTED],
            "done done done failed skipped skipped done",
        ),
        (
            [*STRAIGHT[:3], S.UNCERTAIN],
            "done done done unknown todo todo todo",
        ),
        (
            [*STRAIGHT[:3], S.UNCERTAIN, S.ATTENTION],
            "done done done unknown todo todo todo",
        ),
        (
            [*STRAIGHT[:3], S.UNCERTAIN, S.NOT_APPLIED],
            "done done done skipped skipped skipped done",
        ),
        (
            [*STRAIGHT[:5], S.ATTENTION],
            "done done done done done failed todo",
        ),
        (
            [S.QUEUED, S.CANCELLED],
            "done skipped done skipped skipped skipped done",
        ),
        (
            [*STRAIGHT[:3], S.QUEUED],
            "done todo done todo todo todo todo",
        ),
        (
            [S.QUEUED, S.PREFLIGHT, S.STOPPING],
            "done done done active todo todo todo todo",
        ),
    ],
    ids=lambda value: ">".join(state[:5] for state in value) if isinstance(value, list) else "",
)
def test_each_path_has_its_steps(shop: Project, bob: Actor, path: list[JobState], expected: str):
    view = get_job(bob, job_that_went(shop, path).pk)
    keys = ["asked", "checked", "locked", "sent", "rebuilt", "compared", "unlocked"]
    keys[3:3] = ["stopped"] if S.STOPPING in path else []
    assert [step.key for step in view.steps] == keys
    assert " ".join(step.state for step in view.steps) == expected


def test_a_server_that_was_stopped_first_keeps_the_step(shop: Project, bob: Actor):
    path = [S.QUEUED, S.PREFLIGHT, S.STOPPING, *STRAIGHT[2:]]
    assert states(get_job(bob, job_that_went(shop, path).pk))["stopped"] == "done"


def test_times_and_notes_are_those_of_the_audit_entries(shop: Project, bob: Actor):
    view = get_job(bob, job_that_went(shop, STRAIGHT).pk)
    checked = next(step for step in view.steps if step.key == "checked")
    assert (checked.started_at, checked.ended_at) == (T0 + timedelta(seconds=10), T0 + timedelta(seconds=20))
    assert checked.note == "into submitting"
    sent = next(step for step in view.steps if step.key == "sent")
    assert sent.note == "Accepted. Cloud job c0ffee00c0ffee00."
    assert view.last_audit_note == "into succeeded"


def test_after_a_second_try_the_times_are_those_of_the_second(shop: Project, bob: Actor):
    path = [S.QUEUED, S.PREFLIGHT, S.SUBMITTING, S.QUEUED, S.PREFLIGHT]
    checked = get_job(bob, job_that_went(shop, path).pk).steps[1]
    assert (checked.started_at, checked.ended_at) == (T0 + timedelta(seconds=40), None)


def test_the_lock_is_explained_while_somebody_must_decide(shop: Project, bob: Actor):
    view = get_job(bob, job_that_went(shop, [*STRAIGHT[:3], S.UNCERTAIN, S.ATTENTION]).pk)
    assert view.steps[-1].note == "The lock is kept until somebody decides."
    assert (view.tone, view.done) == ("attn", False)


def test_the_clouds_sub_jobs_have_words_and_seconds(shop: Project, bob: Actor):
    told = [
        {
            "type": "reInitOsSingle",
            "status": "SUCCESS",
            "begin": "2026-01-02T03:04:06.001Z",
            "end": "2026-01-02T03:05:46.103Z",
        },
        {"type": "makeCoffee", "status": "RUNNING", "begin": "2026-01-02T03:04:06Z", "end": ""},
        {"type": None, "status": "BREWING"},
    ]
    view = get_job(bob, job_that_went(shop, STRAIGHT[:4], cloud_steps=told).pk)
    subs = next(step for step in view.steps if step.key == "rebuilt").subs
    assert [(sub.name, sub.raw_name, sub.state.value, sub.seconds) for sub in subs] == [
        ("Reinstall the system", "reInitOsSingle", "done", 100),
        ("Make coffee", "makeCoffee", "active", None),
        ("Step without a name", "", "unknown", None),
    ]


def test_a_failure_says_what_helps(shop: Project, bob: Actor):
    job = job_that_went(shop, [*STRAIGHT[:4], S.FAILED], failure_code="Ecs.0021", failure_message="No quota.")
    failure = get_job(bob, job.pk).failure
    assert failure is not None and (failure.code, failure.message) == ("Ecs.0021", "No quota.")
    assert failure.advice.startswith("Raise the disk quota")
    unheard_of = job_that_went(shop, [*STRAIGHT[:4], S.FAILED], failure_code="Ecs.9999")
    failure = get_job(bob, unheard_of.pk).failure
    assert failure is not None and failure.advice.startswith("Look at the server")
    assert get_job(bob, job_that_went(shop, STRAIGHT).pk).failure is None


@pytest.mark.parametrize("state", JobState)
def test_every_state_can_be_shown(shop: Project, bob: Actor, state: JobState):
    view = get_job(bob, job_that_went(shop, [S.QUEUED, state] if state is not S.QUEUED else [state]).pk)
    assert view.headline and view.tone and len(view.steps) >= 7
