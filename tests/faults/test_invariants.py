"""A judge that never finds anything proves nothing: each invariant is broken once, and it must be seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.invariants import CHECKS, judge, unfinished
from tests.faults.records import (
    AcceptedPost,
    AttemptRow,
    ClaimRow,
    Database,
    EventRow,
    JobRow,
    Ledger,
    MoveRow,
    Post,
)

T = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
S = timedelta(seconds=1)
STATES = ["queued", "preflight", "submitting", "running", "verifying", "succeeded"]
JOB = JobRow(1, "server-1", "succeeded", 6, None, "cloud-1", "hash", "hash", "body")
ATTEMPT = AttemptRow(1, 1, "accepted", "body", T)
POST = Post(T + S, "server-1")
TAKEN = AcceptedPost(T + S, "server-1", "cloud-1", "body")
MOVES = tuple(
    MoveRow(1, number, before, after, False)
    for number, (before, after) in enumerate(zip(["", *STATES], STATES, strict=False), start=1)
)
EVENTS = tuple(EventRow(f"event-{move.seq}", 1, move.seq, True) for move in MOVES)
CLAIM = ClaimRow(1, 0, 1, T - S, T)
GOOD = Database(
    T + 60 * S, (JOB,), (ATTEMPT,), MOVES, EVENTS, (CLAIM,), {"log": "all quiet"}, ("s3cret-canary",)
)
LEDGER = Ledger((POST,), (TAKEN,))


def broken(ledger: Ledger, database: Database) -> set[str]:
    return {violation.invariant for violation in judge(ledger, database)}


def of_job(**changes: Any) -> Database:
    return replace(GOOD, jobs=(replace(JOB, **changes),))


def test_a_good_run_breaks_nothing():
    assert judge(LEDGER, GOOD) == []


@pytest.mark.parametrize(
    ("name", "ledger", "database"),
    [
        ("I1", replace(LEDGER, accepted=(TAKEN, replace(TAKEN, at=T + 9 * S))), GOOD),
        ("I1", replace(LEDGER, accepted=(TAKEN, replace(TAKEN, server_id="server-2"))), GOOD),
        ("I1", replace(LEDGER, accepted=(replace(TAKEN, at=T - S),)), GOOD),
        ("I2", replace(LEDGER, posts=(POST, replace(POST, at=T + 2 * S))), GOOD),
        ("I2", LEDGER, replace(GOOD, attempts=(ATTEMPT, replace(ATTEMPT, number=2, verdict="rejected")))),
        (
            "I2",
            LEDGER,
            replace(GOOD, attempts=(replace(ATTEMPT, verdict="unknown"), replace(ATTEMPT, number=2))),
        ),
        ("I3", Ledger((POST,), ()), GOOD),
        ("I3", LEDGER, of_job(cloud_job_id="cloud-2")),
        ("I4", LEDGER, of_job(state="uncertain")),
        ("I4", LEDGER, of_job(state="running", next_at=T - 61 * S)),
        ("I5", LEDGER, replace(GOOD, jobs=tuple(replace(JOB, id=n, state="attention") for n in (1, 2)))),
        ("I6", LEDGER, of_job(hash_now="other")),
        ("I6", LEDGER, of_job(approved_sha256="other")),
        ("I6", replace(LEDGER, accepted=(replace(TAKEN, body_sha256="other"),)), GOOD),
        ("I7", LEDGER, replace(GOOD, moves=MOVES[:-1])),
        ("I7", LEDGER, replace(GOOD, moves=(*MOVES, MOVES[-1]))),
        ("I7", LEDGER, replace(GOOD, moves=(*MOVES[:2], replace(MOVES[2], before="queued"), *MOVES[3:]))),
        ("I7", LEDGER, replace(GOOD, misfits=("Entry 3 was changed.",))),
        ("I8", LEDGER, replace(GOOD, events=EVENTS[:-1])),
        ("I8", LEDGER, replace(GOOD, events=(*EVENTS[:-1], replace(EVENTS[-1], id="event-1")))),
        ("I8", LEDGER, replace(GOOD, events=(*EVENTS[:-1], replace(EVENTS[-1], delivered=False)))),
        ("I9", LEDGER, replace(GOOD, texts={"log": "found s3cret-canary here"})),
        ("I10", LEDGER, replace(GOOD, claims=(replace(CLAIM, fence_after=2),))),
        ("I10", LEDGER, replace(GOOD, claims=(replace(CLAIM, lease_until=T + S),))),
    ],
)
def test_each_broken_promise_is_seen(name: str, ledger: Ledger, database: Database):
    assert name in broken(ledger, database)


@pytest.mark.parametrize("state", ["rejected", "not_applied", "cancelled", "expired"])
def test_no_end_may_deny_what_the_cloud_did_unless_a_person_said_so(state: str):
    denied = of_job(state=state)
    assert "I3" in broken(LEDGER, denied)
    said = replace(denied, moves=(*MOVES[:-1], replace(MOVES[-1], after=state, by_person=True)))
    assert "I3" not in broken(LEDGER, said)


def test_two_jobs_of_one_server_each_have_their_own_call():
    second = replace(JOB, id=2, cloud_job_id="cloud-2")
    attempts = (ATTEMPT, replace(ATTEMPT, job_id=2, intent_at=T + 60 * S))
    taken = (TAKEN, replace(TAKEN, at=T + 61 * S, job_id="cloud-2"))
    posts = (POST, replace(POST, at=T + 61 * S))
    moves = (*MOVES, *(replace(move, job_id=2) for move in MOVES))
    events = (*EVENTS, *(replace(event, job_id=2, id=f"2-{event.id}") for event in EVENTS))
    database = replace(GOOD, jobs=(JOB, second), attempts=attempts, moves=moves, events=events)
    assert judge(Ledger(posts, taken), database) == []


def test_every_invariant_has_a_check():
    assert list(CHECKS) == [f"I{number}" for number in range(1, 11)]


def test_what_did_not_end_is_counted():
    assert unfinished(GOOD) == []
    assert [job.id for job in unfinished(of_job(state="uncertain"))] == [1]
    assert unfinished(of_job(state="attention")) == []
