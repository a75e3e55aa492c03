"""An unclear outcome in words: what went out, what the signs are, the answers a person may give."""

from collections.abc import Iterable, Mapping

from reinstall.domain.states import Verdict

_KINDS: Mapping[str, str] = {
    "verdict": "Conclusion",
    "trace": "Audit trace",
    "cts": "Audit traces",
    "status": "Server",
    "action": "Actions on the server",
    "job_query": "Cloud job",
    "operator": "A person's answer",
}

#: How far the call got, as far as it is known: the transport's phases.
_PHASES: Mapping[str, str] = {
    "": "This portal's worker stopped at it. Whether it left is not known.",
    "new": "It never left this portal.",
    "connected": "The connection stood, but nothing was sent.",
    "sending": "The connection broke while it was being sent.",
    "sent": "It was sent whole. Nothing came back.",
    "headers": "It was sent whole. An answer began, but broke off.",
    "complete": "It was sent whole, and an answer came back.",
}

#: Answer -> (what a person says, what follows from it).
ANSWERS: Mapping[str, tuple[str, str]] = {
    "ran_job": (
        "It ran, and I have the job ID",
        "The cloud is asked about that job first. If it is about this server, it is followed from here.",
    ),
    "ran_unknown": (
        "It ran, but I do not know the job ID",
        "The disks are compared with those before the call; that decides how the job ends.",
    ),
    "never_ran": (
        "It never started",
        "Closes this job and frees the server. Nothing is sent again by that.",
    ),
    "ran_well": (
        "It ran, and the server is as it should be",
        "Closes this job as succeeded, on your word.",
    ),
    "ran_badly": (
        "It ran, and the server is not usable",
        "Closes this job as failed, on your word, and frees the server.",
    ),
}

_BY_TWO = (
    "Another person has to confirm it. Then this job closes and the server is free; nothing is sent again."
)
_IN_DOUBT = frozenset({Verdict.ARMED, Verdict.UNKNOWN})
_NOT_AGAIN = (
    "This portal does not send it again by itself: a second request could wipe a server that has just been "
    "set up."
)


def kind_name(kind: str) -> str:
    """The kind of a sign as a heading."""
    return _KINDS.get(kind) or kind.replace("_", " ").capitalize()


def phase_sentence(phase: str) -> str:
    """How far a call got, as a sentence."""
    return _PHASES.get(phase, "")


def answer_words(answer: str) -> str:
    """What a person says with `answer`."""
    return ANSWERS[answer][0] if answer in ANSWERS else answer


def answers_in_words(answers: Iterable[str], *, second_person: bool) -> tuple[tuple[str, str, str], ...]:
    """(answer, what a person says with it, what follows), where "never_ran" may need a second person."""
    hints = {"never_ran": _BY_TWO} if second_person else {}
    return tuple((one, ANSWERS[one][0], hints.get(one, ANSWERS[one][1])) for one in answers)


def doubt(server: str, verdict: str, status: int | None) -> tuple[str, str]:
    """(headline, explanation) on top of an unclear job's page. `verdict` is "" where nothing went out."""
    if verdict in _IN_DOUBT:
        answer = "no answer" if status is None else "no clear answer"
        return (
            f"The request went out, but {answer} came back.",
            f"The cloud may be reinstalling {server} right now, or it may never have seen the request. "
            f"{_NOT_AGAIN}",
        )
    if verdict == Verdict.ACCEPTED:
        return f"The cloud took the request, but how {server} stands is not clear.", _NOT_AGAIN
    return f"Somebody has to look at {server}.", "Nothing more is sent by itself."
