"""The table of grades, row by row: facts in, grade and decision out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain.comparison import compare, new_actions
from reinstall.domain.evidence import (
    SETTLE,
    SETTLE_BUSY,
    SIGNATURE_LIFE,
    TRACE_PATIENCE,
    Decision,
    Finding,
    Grade,
    Sent,
    Sighting,
    TraceFact,
    judge,
)
from reinstall.domain.identity import NONE_YET, DiskFacts, ServerFacts

T0 = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
US, THEM = "u" * 32, "t" * 32
JOB, OTHER_JOB = "ff80808288d41e1b018990260955686a", "ff80808288d41e1b018990260955686b"
BEFORE = ServerFacts(
    server_id="s-1",
    name="web-01",
    status="ACTIVE",
    disks=(DiskFacts("v-old", boot_index=0), DiskFacts("v-data")),
    keyname="k",
    launched_at="2026-01-01T00:00:00+00:00",
    updated="2026-01-01T00:00:00+00:00",
)
REPLACED = replace(BEFORE, disks=(DiskFacts("v-new", boot_index=0), DiskFacts("v-data")))
BUSY = replace(BEFORE, status="REBUILD", task_state="rebuilding")
SENT = Sent(intent_at=T0, signed_at=T0, doubt_since=T0, user_id=US, access_key="AK1")
CALL = TraceFact("t-1", "reinstallOsV2", US, T0 + timedelta(seconds=1), JOB, user_name="svc")
END = replace(CALL, trace_id="t-2", at=T0 + timedelta(minutes=30), began=T0 + timedelta(seconds=1))
REFUSAL = TraceFact("t-3", "reinstallOsV2", US, T0, refused=True, code="Ecs.0605", message="ECS locked.")
LATE = SETTLE + timedelta(minutes=1)


def seen(after: timedelta = timedelta(minutes=1), **changes: Any) -> Sighting:
    values: dict[str, Any] = {"before": BEFORE, "after": BEFORE, "traces": ()}
    return Sighting(now=T0 + after, **(values | changes))


def judged(sight: Sighting, sent: Sent = SENT, auto: bool = False) -> Finding:
    return judge(sent, sight, auto_not_applied=auto)


def outcome(sight: Sighting, sent: Sent = SENT, auto: bool = False) -> tuple[str, str]:
    found = judged(sight, sent, auto)
    assert found.sentence.endswith(".") or found.grade in (Grade.E1, Grade.E1_REFUSED)
    return found.grade.value, found.decision.value


def test_E1_one_trace_of_ours_with_a_job() -> None:
    found = judged(seen(traces=(CALL,)))
    assert (found.grade, found.decision, found.job_id) == (Grade.E1, Decision.ADOPT, JOB)


@pytest.mark.parametrize("traces", [(CALL, CALL), (CALL, END), (END,), (END, CALL, CALL)])
def test_E1_records_that_repeat_or_tell_of_the_end_are_one_operation(traces: tuple[TraceFact, ...]) -> None:
    assert outcome(seen(timedelta(minutes=40), traces=traces)) == ("E1", "adopt")


def test_E1_comes_before_what_the_disks_say() -> None:
    assert outcome(seen(traces=(CALL,), after=timedelta(minutes=1))) == ("E1", "adopt")
    assert outcome(replace(seen(traces=(CALL,)), after=REPLACED)) == ("E1", "adopt")


@pytest.mark.parametrize(
    "changes",
    [
        {"at": T0 - timedelta(minutes=3)},
        {"at": T0 + SETTLE + timedelta(minutes=1)},
        {"name": "stopServer"},
        {"job_id": ""},
    ],
)
def test_a_trace_out_of_time_or_of_something_else_is_not_our_call(changes: dict[str, Any]) -> None:
    assert outcome(seen(traces=(replace(CALL, **changes),)))[1] == "wait"


def test_the_end_of_a_reinstall_that_began_before_ours_is_not_ours() -> None:
    earlier = replace(END, at=T0 + timedelta(minutes=1), began=T0 - timedelta(minutes=10))
    assert outcome(seen(traces=(earlier,))) == ("", "wait")


def test_a_job_the_cloud_does_not_know_leaves_it_to_the_disks() -> None:
    dead = replace(SENT, dead_jobs=frozenset({JOB}))
    assert outcome(seen(traces=(CALL,)), dead) == ("", "wait")
    assert outcome(replace(seen(traces=(CALL,)), after=REPLACED), dead) == ("E2", "verify")
    late = seen(LATE, traces=(CALL,), traces_reach=T0 + LATE)
    assert outcome(late, dead, auto=True) == ("E4'", "attention")


def test_without_knowing_who_we_are_a_person_decides_about_a_trace() -> None:
    found = judged(seen(traces=(CALL,)), replace(SENT, user_id=""))
    assert (found.grade, found.decision, found.job_id) == (Grade.NONE, Decision.ATTENTION, JOB)


def test_jobs_and_calls_of_others_in_this_portal_are_told_apart() -> None:
    others = replace(SENT, other_jobs=frozenset({OTHER_JOB}))
    before = replace(CALL, trace_id="x", job_id=OTHER_JOB, at=T0 - timedelta(minutes=1))
    assert judged(seen(traces=(before, CALL)), others).job_id == JOB
    assert outcome(seen(traces=(before,)), others) == ("", "wait")
    called = replace(SENT, call_before=T0 - timedelta(seconds=30))
    earlier = replace(REFUSAL, at=T0 - timedelta(minutes=1))
    assert outcome(seen(TRACE_PATIENCE, traces=(earlier,)), called) == ("", "wait")
    assert outcome(seen(TRACE_PATIENCE, traces=(earlier,))) == ("E1'", "reject")


def test_E1_refused() -> None:
    assert outcome(seen(traces=(REFUSAL,))) == ("E1'", "wait")
    assert outcome(replace(seen(TRACE_PATIENCE, traces=(REFUSAL,)), after=BUSY)) == ("E3", "wait")
    found = judged(seen(TRACE_PATIENCE, traces=(REFUSAL,)))
    assert (found.grade, found.decision, found.code) == (Grade.E1_REFUSED, Decision.REJECT, "Ecs.0605")
    assert "ECS locked." in found.sentence


@pytest.mark.parametrize("code", ["Ecs.1002", "Ecs.1000", "Common.0021", "", "Ecs.0603"])
def test_a_recorded_refusal_that_is_not_clear_refuses_nothing(code: str) -> None:
    assert outcome(seen(traces=(replace(REFUSAL, code=code),))) == ("", "wait")
    late = seen(LATE, traces=(replace(REFUSAL, code=code),), traces_reach=T0 + LATE)
    assert outcome(late, auto=True) == ("E4'", "attention")


def test_a_refusal_of_somebody_else_says_nothing_about_us() -> None:
    assert outcome(seen(traces=(replace(REFUSAL, user_id=THEM),))) == ("", "wait")


def test_E2_another_system_disk() -> None:
    assert outcome(replace(seen(traces=None), after=REPLACED)) == ("E2", "verify")


def test_E2_waits_a_while_for_the_trace_that_tells_who_did_it() -> None:
    assert outcome(replace(seen(), after=REPLACED)) == ("E2", "wait")
    assert outcome(replace(seen(TRACE_PATIENCE), after=REPLACED)) == ("E2", "verify")


def test_E3_at_work_is_no_verdict_but_not_for_ever() -> None:
    for after in (BUSY, replace(BEFORE, task_state="powering-off"), replace(BEFORE, disks=())):
        assert outcome(replace(seen(LATE), after=after), auto=True) == ("E3", "wait")
        assert outcome(replace(seen(SETTLE_BUSY), after=after), auto=True) == ("E3", "attention")
    assert outcome(seen(LATE, new_actions=("rebuild",)), auto=True) == ("E3", "wait")
    assert outcome(replace(seen(SETTLE_BUSY), after=None), auto=True) == ("", "attention")


def test_E3_a_busy_server_with_a_new_disk_is_waited_for() -> None:
    assert outcome(replace(seen(traces=None), after=replace(REPLACED, status="REBUILD"))) == ("E3", "wait")


def quiet(**changes: Any) -> Sighting:
    """Settled, unchanged, and the audit service was seen to reach past the life of the signature."""
    return seen(LATE, **({"traces_reach": T0 + SIGNATURE_LIFE} | changes))


def test_E4_only_the_policy_closes_it() -> None:
    assert outcome(quiet(), auto=True) == ("E4", "not_applied")
    assert outcome(quiet(), auto=False) == ("E4", "attention")


@pytest.mark.parametrize(
    ("sight", "sent", "word"),
    [
        (quiet(traces=None), SENT, "cannot be read"),
        (quiet(traces_reach=None), SENT, "may be off"),
        (quiet(traces_reach=T0 + SIGNATURE_LIFE - timedelta(seconds=1)), SENT, "may be off"),
        (quiet(), replace(SENT, signed_at=None), "token"),
        (replace(quiet(), after=replace(BEFORE, status="SHUTOFF")), SENT, "every respect"),
        (replace(quiet(), after=replace(BEFORE, updated="2026-01-02T03:00:05+00:00")), SENT, "every respect"),
        (replace(quiet(), before=None), SENT, "every respect"),
    ],
)
def test_E4_unproven_is_for_a_person(sight: Sighting, sent: Sent, word: str) -> None:
    found = judged(sight, sent, auto=True)
    assert (found.grade, found.decision) == (Grade.E4_UNPROVEN, Decision.ATTENTION)
    assert word in found.sentence


def test_nothing_is_concluded_before_the_request_has_expired() -> None:
    sight = replace(quiet(), now=T0 + SETTLE - timedelta(seconds=1))
    assert outcome(sight, auto=True) == ("", "wait")


def test_what_the_cloud_had_accepted_is_never_called_not_applied() -> None:
    accepted = replace(SENT, accepted=True, doubt_since=T0 + timedelta(hours=1))
    assert outcome(replace(quiet(), now=T0 + timedelta(minutes=70)), accepted, auto=True) == ("", "wait")
    assert outcome(replace(quiet(), now=T0 + timedelta(minutes=90)), accepted, auto=True) == ("", "attention")


@pytest.mark.parametrize(
    "traces",
    [
        (CALL, replace(CALL, trace_id="x", user_id=THEM, user_name="ana")),
        (replace(CALL, user_id=THEM),),
        (replace(CALL, user_id=THEM, name="changeOsV2"),),
        (replace(CALL, user_id=THEM, job_id=""),),
        (replace(CALL, access_key="AK2"),),
        (CALL, replace(CALL, trace_id="x", job_id=OTHER_JOB)),
        (CALL, replace(CALL, trace_id="x", job_id=OTHER_JOB, at=T0 + timedelta(hours=1))),
    ],
)
def test_E5_somebody_else_or_more_than_one(traces: tuple[TraceFact, ...]) -> None:
    assert outcome(seen(traces=traces), auto=True) == ("E5", "attention")
    assert outcome(replace(seen(traces=traces), after=REPLACED), auto=True) == ("E5", "attention")


def test_E5_contradictions() -> None:
    assert outcome(replace(seen(traces=(REFUSAL,)), after=REPLACED)) == ("E5", "attention")
    assert outcome(seen(traces=(REFUSAL,)), replace(SENT, accepted=True)) == ("E5", "attention")
    swapped = replace(BEFORE, disks=(DiskFacts("v-data", boot_index=0),))
    assert outcome(replace(seen(), after=swapped)) == ("E5", "attention")


def test_a_server_that_is_gone_is_for_a_person() -> None:
    assert outcome(replace(seen(), after=None, gone=True)) == ("", "attention")


facts = st.sampled_from(
    [None, BEFORE, REPLACED, BUSY, replace(BEFORE, disks=()), replace(BEFORE, status="ERROR")]
)
traces_seen = st.none() | st.lists(
    st.sampled_from(
        [CALL, END, REFUSAL, replace(CALL, trace_id="x", user_id=THEM), replace(REFUSAL, code="Ecs.1002")]
    ),
    max_size=4,
).map(tuple)


@given(
    minutes=st.integers(0, 300),
    after=facts,
    traces=traces_seen,
    reach=st.none() | st.integers(0, 300).map(lambda m: T0 + timedelta(minutes=m)),
    actions=st.sampled_from([(), ("rebuild",)]),
    accepted=st.booleans(),
    token=st.booleans(),
    user=st.sampled_from([US, ""]),
)
def test_not_applied_needs_every_proof(
    minutes: int,
    after: ServerFacts | None,
    traces: tuple[TraceFact, ...] | None,
    reach: datetime | None,
    actions: tuple[str, ...],
    accepted: bool,
    token: bool,
    user: str,
) -> None:
    sent = replace(SENT, accepted=accepted, signed_at=None if token else T0, user_id=user)
    sight = Sighting(T0 + timedelta(minutes=minutes), BEFORE, after, traces, reach, actions)
    found = judge(sent, sight, auto_not_applied=True)
    if found.decision is Decision.NOT_APPLIED:
        assert minutes >= 21 and not accepted and not token and not actions
        assert after == BEFORE and reach is not None and reach >= T0 + SIGNATURE_LIFE
        assert traces is not None and all(t.name not in ("reinstallOsV2",) for t in traces)
    if found.decision is Decision.ADOPT:
        assert found.job_id and user == US
        assert all(t.user_id == US for t in traces or ())


def test_new_actions_are_those_listed_above_the_newest_of_before() -> None:
    listed = [("r3", "start"), ("r3", "attach_volume"), ("r2", "stop"), ("r1", "create")]
    assert new_actions("r2", listed) == ("start", "attach_volume")
    assert new_actions("r3", listed) == ()
    assert new_actions(NONE_YET, listed) == ("start", "attach_volume", "stop", "create")
    assert new_actions("", listed) == ()


def test_a_comparison_names_what_is_another() -> None:
    rows = {row.name: row for row in compare(BEFORE, replace(REPLACED, status="SHUTOFF"))}
    assert [name for name, row in rows.items() if row.changed] == ["system_disk", "status"]
    assert (rows["system_disk"].before, rows["system_disk"].now) == ("v-old", "v-new")
    assert compare(BEFORE, None) == ()
