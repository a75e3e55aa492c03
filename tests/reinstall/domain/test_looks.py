"""Every state people can meet has a word, an icon and a tone."""

from reinstall.domain.looks import LOOKS, Tone, look_of
from reinstall.domain.states import FINAL, JobState, Verdict
from reinstall.domain.verdicts import Level
from reinstall.selectors.job_steps import StepState
from reinstall.selectors.server_rows import STATES


def test_no_state_is_left_without_a_look() -> None:
    assert set(LOOKS["job"]) == {str(state) for state in JobState}
    assert set(LOOKS["verdict"]) == {str(verdict) for verdict in Verdict}
    assert set(LOOKS["step"]) == {str(state) for state in StepState}
    assert set(LOOKS["check"]) == {str(level) for level in Level}
    assert set(LOOKS["server"]) == set(STATES)


def test_no_two_job_states_read_the_same() -> None:
    words = [look.word for look in LOOKS["job"].values()]
    assert len(set(words)) == len(words)


def test_colour_is_never_alone() -> None:
    for kind, looks in LOOKS.items():
        by_icon: dict[str, set[Tone]] = {}
        for look in looks.values():
            by_icon.setdefault(look.icon, set()).add(look.tone)
        assert all(len(tones) == 1 for tones in by_icon.values()), kind


def test_only_what_goes_on_turns() -> None:
    turning = {state for state in JobState if look_of("job", state).spins}
    assert turning.isdisjoint(FINAL)
    assert JobState.UNCERTAIN not in turning
    assert JobState.ATTENTION not in turning
    assert JobState.RUNNING in turning


def test_an_unknown_state_is_shown_as_it_came() -> None:
    assert look_of("server", "shelved_offloaded").word == "Shelved offloaded"
    assert look_of("server", "").word == "Not known"
