"""The state table as a whole: what it must never allow, and that nothing in it is out of reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain.states import (
    ACTIVE,
    CANCELLABLE,
    DRIVEN,
    FINAL,
    LIVE_VERDICTS,
    MOVES,
    JobState,
    OrderState,
    Verdict,
    may_move,
    order_state,
)

S = JobState


def test_every_state_is_either_active_or_final() -> None:
    assert set(JobState) == ACTIVE | FINAL
    assert set() == ACTIVE & FINAL
    assert set(MOVES) == set(JobState)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nobody_leaves_a_final_state(state: JobState) -> None:
    assert not any(may_move(state, after) for after in JobState)


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_every_active_state_has_a_way_out(state: JobState) -> None:
    reached, ahead = set(), {state}
    while ahead:
        reached |= ahead
        ahead = {after for before in ahead for after in MOVES[before]} - reached
    assert reached & FINAL


def test_every_state_can_be_reached_from_a_new_job() -> None:
    reached, ahead = set(), {S.QUEUED, S.AWAITING_APPROVAL}
    while ahead:
        reached |= ahead
        ahead = {after for before in ahead for after in MOVES[before]} - reached
    assert reached == set(JobState)


def test_the_call_is_armed_only_after_a_look_at_the_server() -> None:
    assert {before for before in JobState if may_move(before, S.SUBMITTING)} == {S.PREFLIGHT, S.STOPPING}


def test_once_the_outcome_is_unclear_or_known_nothing_leads_back_to_the_call() -> None:
    """A stray way back would be a second wipe."""
    reached: set[JobState] = set()
    ahead = {S.UNCERTAIN, S.RUNNING, S.VERIFYING, S.ATTENTION}
    while ahead:
        reached |= ahead
        ahead = {after for before in ahead for after in MOVES[before]} - reached
    assert not reached & {S.QUEUED, S.PREFLIGHT, S.STOPPING, S.SUBMITTING, S.AWAITING_APPROVAL}


def test_cancelling_is_possible_exactly_until_the_call() -> None:
    assert {state for state in JobState if may_move(state, S.CANCELLED)} == CANCELLABLE
    assert S.SUBMITTING not in CANCELLABLE


def test_an_unclear_job_is_never_called_cancelled_or_expired() -> None:
    for state in (S.SUBMITTING, S.UNCERTAIN, S.RUNNING, S.VERIFYING, S.ATTENTION):
        assert not MOVES[state] & {S.CANCELLED, S.EXPIRED}


def test_the_engine_drives_every_active_state_that_does_not_wait_for_a_person() -> None:
    # What waits for approval is driven to the end of its wait, and no further.
    assert {S.ATTENTION} == ACTIVE - DRIVEN


def test_a_verdict_is_live_while_the_cloud_may_have_the_request() -> None:
    assert {Verdict.ARMED, Verdict.UNKNOWN, Verdict.ACCEPTED} == LIVE_VERDICTS


def test_names_fit_their_columns() -> None:
    assert max(map(len, JobState)) <= 20
    assert max(map(len, Verdict)) <= 12


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({S.QUEUED: 1}, OrderState.RUNNING),
        ({S.SUCCEEDED: 3, S.ATTENTION: 1}, OrderState.RUNNING),
        ({S.SUCCEEDED: 3, S.FAILED: 1}, OrderState.FINISHED),
        ({S.CANCELLED: 2, S.EXPIRED: 1}, OrderState.CANCELLED),
        ({S.CANCELLED: 2, S.SUCCEEDED: 1}, OrderState.FINISHED),
        ({S.CANCELLED: 2, S.SUCCEEDED: 0}, OrderState.CANCELLED),
        ({S.AWAITING_APPROVAL: 1, S.CANCELLED: 1}, OrderState.AWAITING_APPROVAL),
        ({}, OrderState.FINISHED),
    ],
)
def test_the_state_of_an_order_follows_its_jobs(counts: dict[JobState, int], state: OrderState) -> None:
    assert order_state(counts) is state


@given(st.dictionaries(st.sampled_from(JobState), st.integers(0, 3)))
def test_an_order_is_finished_only_when_every_job_is(counts: dict[JobState, int]) -> None:
    going_on = any(count and state in ACTIVE for state, count in counts.items())
    done = order_state(counts) in (OrderState.FINISHED, OrderState.CANCELLED)
    assert done is not going_on
