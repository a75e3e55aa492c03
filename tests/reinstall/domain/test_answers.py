"""The allow-list, row by row: what an answer to the one destructive call may be taken to mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain.answers import (
    AMBIGUOUS_CODES,
    AUTH_CODES,
    MAX_WAIT_S,
    MISSING_CODES,
    REJECTED_CODES,
    THROTTLED_CODES,
    Observation,
    Sending,
    read_answer,
)
from reinstall.domain.states import Verdict

JOB = "ff808082739334d80173941ce2d4024a"


def seen(status: int, body: object = None, **changes: Any) -> Observation:
    """A whole answer. A dict as body is sent as JSON, with the code of its error."""
    code = body.get("error", {}).get("code", "") if isinstance(body, dict) else ""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    values: dict[str, Any] = {
        "phase": Sending.COMPLETE,
        "status": status,
        "content_type": "application/json",
        "body": raw,
        "complete": True,
        "code": code,
        "codes": (code,) if code else (),
    }
    return Observation(**(values | changes))


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "said the cloud"}}


ROWS = [
    *[(429, code, Verdict.THROTTLED) for code in sorted(THROTTLED_CODES)],
    *[(401, code, Verdict.AUTH_REFUSED) for code in sorted(AUTH_CODES)],
    *[(404, code, Verdict.REJECTED) for code in sorted(MISSING_CODES)],
    *[(400, code, Verdict.REJECTED) for code in sorted(REJECTED_CODES)],
    (403, "Ecs.0003", Verdict.REJECTED),
    (403, "Common.0018", Verdict.REJECTED),
    (403, "Pdp.0001", Verdict.REJECTED),
    (202, "Common.0024", Verdict.THROTTLED),
]


@pytest.mark.parametrize(("status", "code", "verdict"), ROWS)
def test_a_listed_pair_has_its_verdict(status: int, code: str, verdict: Verdict) -> None:
    meaning = read_answer(seen(status, error(code)))
    assert (meaning.verdict, meaning.code) == (verdict, code)
    assert meaning.cloud_job_id == ""


@pytest.mark.parametrize(("status", "code"), [(status, code) for status, code, _ in ROWS if status != 403])
def test_the_same_code_with_another_status_decides_nothing(status: int, code: str) -> None:
    others = {200, 400, 401, 404, 409, 429, 500, 501, 503} - {status}
    for other in others:
        if (other, code) not in {(s, c) for s, c, _ in ROWS}:
            assert read_answer(seen(other, error(code))).verdict is Verdict.UNKNOWN, other


@pytest.mark.parametrize("status", [200, 202])
def test_a_good_job_id_is_an_acceptance(status: int) -> None:
    meaning = read_answer(seen(status, {"job_id": JOB}))
    assert (meaning.verdict, meaning.cloud_job_id) == (Verdict.ACCEPTED, JOB)


@pytest.mark.parametrize(
    "job_id",
    [
        None,
        "",
        7,
        70368744177664,
        True,
        [JOB],
        {"id": JOB},
        "../x",
        "a" * 7,
        "a" * 65,
        f"{JOB}\n",
        f"{JOB}/..",
        "é" * 9,
    ],
)
def test_a_job_id_that_cannot_be_followed_is_unclear(job_id: object) -> None:
    for status in (200, 202):
        assert read_answer(seen(status, {"job_id": job_id})).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"body": f'{{"job_id":"{JOB}","job_id":"{JOB[::-1]}"}}'.encode()},
        {"content_type": "text/html"},
        {"content_type": ""},
        {"body": b"\xef\xbb\xbf" + json.dumps({"job_id": JOB}).encode()},
        {"body": json.dumps({"job_id": JOB}).encode("utf-16")},
        {"body": json.dumps([{"job_id": JOB}]).encode()},
        {"body": json.dumps({"job_id": JOB}).encode()[:-1]},
        {"body": json.dumps({"job_id": JOB}).encode() + b"{}"},
        {"body": b"[" * 200_000},
        {"body": b"<html>signed in</html>"},
        {"body": b""},
        {"status": 204},
        {"complete": False},
        {"phase": Sending.HEADERS, "complete": False},
    ],
)
def test_a_doubtful_success_is_unclear(changes: dict[str, Any]) -> None:
    assert read_answer(replace(seen(200, {"job_id": JOB}), **changes)).verdict is Verdict.UNKNOWN


def test_two_job_ids_beside_a_flow_limit_are_not_sent_again() -> None:
    body = f'{{"error":{{"code":"Common.0024"}},"job_id":"{JOB}","job_id":"{JOB[::-1]}"}}'.encode()
    assert read_answer(seen(202, body, code="Common.0024")).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("job_id", ["", None, 0, "../x"])
def test_a_flow_limit_with_any_job_id_is_unclear(job_id: object) -> None:
    body = error("Common.0024") | {"job_id": job_id}
    assert read_answer(seen(202, body)).verdict is Verdict.UNKNOWN


def test_a_flow_limit_with_a_good_job_id_is_an_acceptance() -> None:
    assert read_answer(seen(202, error("Common.0024") | {"job_id": JOB})).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(("status", "code", "verdict"), [row for row in ROWS if row[0] != 202])
def test_a_refusal_that_names_a_job_is_unclear(status: int, code: str, verdict: Verdict) -> None:
    assert verdict is not Verdict.UNKNOWN
    assert read_answer(seen(status, error(code) | {"job_id": JOB})).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("code", sorted(AMBIGUOUS_CODES))
def test_a_doubtful_code_outweighs_a_clear_one_within(code: str) -> None:
    for status, clear in ((400, "Ecs.0005"), (403, "Ecs.0003"), (404, "Ecs.0614")):
        answer = seen(status, error(clear), codes=(code, clear))
        assert read_answer(answer).verdict is Verdict.UNKNOWN


def test_a_clear_code_with_an_unlisted_detail_is_a_refusal() -> None:
    # Ecs.0005 "parameters" with the detail Ecs.0057 is what the documents show.
    answer = seen(400, error("Ecs.0005"), code="Ecs.0057", codes=("Ecs.0005", "Ecs.0057"))
    meaning = read_answer(answer)
    assert (meaning.verdict, meaning.code) == (Verdict.REJECTED, "Ecs.0057")


@pytest.mark.parametrize("code", ["403", "", "forbidden"])
def test_a_403_without_a_code_of_the_cloud_may_come_from_something_between(code: str) -> None:
    assert read_answer(seen(403, {"x": 1}, code=code)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("changes", [{"content_type": "text/html"}, {"body": b"not json"}])
def test_a_refusal_that_is_no_json_is_unclear(changes: dict[str, Any]) -> None:
    assert read_answer(replace(seen(400, error("Ecs.0314")), **changes)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("phase", [Sending.NEW, Sending.CONNECTED])
def test_before_the_first_byte_nothing_was_sent(phase: Sending) -> None:
    meaning = read_answer(Observation(phase=phase, error="connection refused"))
    assert meaning.verdict is Verdict.NOT_SENT
    assert "connection refused" in meaning.why


@pytest.mark.parametrize("phase", [Sending.SENDING, Sending.SENT, Sending.HEADERS])
def test_from_the_first_byte_on_nobody_knows(phase: Sending) -> None:
    assert read_answer(Observation(phase=phase, status=400)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("asked", "waits"),
    [(None, 5.0), (7.0, 7.0), (0.0, 1.0), (-3.0, 1.0), (1e9, MAX_WAIT_S), (float("nan"), 5.0)],
)
def test_the_wait_is_what_was_asked_within_reason(asked: float | None, waits: float) -> None:
    answer = seen(429, error("Common.1503"), retry_after_s=asked)
    assert read_answer(answer).wait_s == waits


codes = st.sampled_from(sorted(REJECTED_CODES | AUTH_CODES | THROTTLED_CODES | AMBIGUOUS_CODES)) | st.text(
    max_size=12
)
bodies = st.binary(max_size=60) | st.dictionaries(
    st.sampled_from(["job_id", "error", "x"]), st.text(max_size=10) | st.integers() | st.none(), max_size=3
).map(lambda value: json.dumps(value).encode())
observations = st.builds(
    Observation,
    phase=st.sampled_from(Sending),
    status=st.none() | st.integers(100, 599),
    content_type=st.sampled_from(["application/json", "text/html", ""]),
    body=bodies,
    complete=st.booleans(),
    code=codes,
    codes=st.lists(codes, max_size=3).map(tuple),
    retry_after_s=st.none() | st.floats(),
)


@given(observations)
def test_every_observation_has_one_verdict_and_what_is_not_listed_is_unknown(observed: Observation) -> None:
    meaning = read_answer(observed)
    assert meaning.verdict is not Verdict.ARMED
    assert meaning.why
    whole = observed.phase is Sending.COMPLETE and observed.complete
    if meaning.verdict is Verdict.NOT_SENT:
        assert observed.phase in (Sending.NEW, Sending.CONNECTED)
    elif meaning.verdict is Verdict.ACCEPTED:
        assert whole
        assert observed.status in (200, 202)
        assert json.loads(observed.body)["job_id"] == meaning.cloud_job_id
        assert len(meaning.cloud_job_id) >= 8
    elif meaning.verdict is not Verdict.UNKNOWN:
        assert whole
        listed = {(status, code): verdict for status, code, verdict in ROWS if status != 403}
        pairs = [(observed.status or 0, code) for code in (observed.code, *observed.codes)]
        assert observed.status == 403 or meaning.verdict in [listed.get(pair) for pair in pairs]
        assert "job_id" not in json.loads(observed.body)
