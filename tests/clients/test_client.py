"""What the client sends again and what it never does; pages, problems and waiting."""

from typing import Any

import pytest

from ecsportal_client import NotReachable, OrderBody, Portal, Problem, TimeOver
from tests.clients.conftest import TOKEN
from tests.clients.scriptedportal import Answer, ScriptedPortal, problem

BODY: OrderBody = {"project": "shop", "servers": ["a"], "spec": {}, "confirm": "a"}
LOST = Answer(0)
ORDER = Answer(201, {"id": 7, "jobs": []})


def keys(scripted: ScriptedPortal) -> list[str | None]:
    return [headers.get("Idempotency-Key") for _, _, headers, _ in scripted.asked]


@pytest.mark.parametrize(
    "trouble", [LOST, problem(503, "busy"), problem(429, "too-many-requests"), Answer(502, b"<html>")]
)
def test_reading_is_repeated(trouble: Answer, scripted: ScriptedPortal, client: Portal, slept: list[float]):
    scripted.answers = [trouble, trouble, Answer(200, {"id": 7})]
    assert client.get_order(7)["id"] == 7
    assert len(scripted.asked) == 3 and len(slept) == 2
    assert 0 < slept[0] < slept[1] < 2


def test_retry_after_is_honoured_and_not_beyond_patience(
    scripted: ScriptedPortal, client: Portal, slept: list[float]
):
    scripted.answers = [problem(429, "too-many-requests", Retry_After="17"), Answer(200, {"id": 7})]
    client.get_order(7)
    assert slept == [17.0]
    scripted.answers = [problem(429, "too-many-requests", Retry_After="3600")]
    with pytest.raises(Problem) as caught:
        client.get_order(7)
    assert caught.value.retry_after_s == 3600 and caught.value.passing and slept == [17.0]


@pytest.mark.parametrize(
    "trouble", [LOST, problem(503, "busy"), problem(409, "in-progress", Retry_After="2")]
)
def test_an_order_is_repeated_with_its_key(trouble: Answer, scripted: ScriptedPortal, client: Portal):
    scripted.answers = [trouble, trouble, ORDER]
    assert client.order(BODY)["id"] == 7
    first, second, third = keys(scripted)
    assert first == second == third is not None
    scripted.answers = [ORDER]
    client.order(BODY)
    client.order(BODY, idempotency_key="mine")
    assert keys(scripted)[3] not in (None, first) and keys(scripted)[4] == "mine"
    assert all(body["dry_run"] is False for _, _, _, body in scripted.asked)


@pytest.mark.parametrize(
    "trouble",
    [
        problem(400, "rule-broken"),
        problem(409, "held"),
        problem(422, "rule-broken"),
        problem(500, "internal"),
    ],
)
def test_what_was_refused_is_not_repeated(trouble: Answer, scripted: ScriptedPortal, client: Portal):
    scripted.answers = [trouble]
    with pytest.raises(Problem) as caught:
        client.order(BODY)
    assert len(scripted.asked) == 1 and not caught.value.passing
    assert (caught.value.status, caught.value.request_id) == (trouble.status, "r-1")
    assert caught.value.errors[0]["field"] == "confirm"


@pytest.mark.parametrize("trouble", [LOST, problem(503, "busy"), problem(429, "too-many-requests")])
def test_other_changes_are_sent_once(trouble: Answer, scripted: ScriptedPortal, client: Portal):
    scripted.answers = [trouble]
    for act in (lambda: client.cancel_job(7), lambda: client.revoke_token(7)):
        with pytest.raises((NotReachable, Problem)):
            act()
    assert [method for method, *_ in scripted.asked] == ["POST", "DELETE"]


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere(scripted: ScriptedPortal, client: Portal):
    scripted.answers = [Answer(302, b"", {"Location": f"{scripted.url}/elsewhere"})]
    with pytest.raises(Problem, match="302"):
        client.get_order(7)
    assert len(scripted.asked) == 1
    assert scripted.asked[0][2]["Authorization"] == f"Bearer {TOKEN}"


def test_something_else_that_answers_is_no_portal(
    scripted: ScriptedPortal, client: Portal, slept: list[float]
):
    scripted.answers = [Answer(200, b"<html>Sign in to this hotel</html>")]
    with pytest.raises(NotReachable, match="something else than JSON"):
        client.get_order(7)


def test_pages_are_fetched_as_they_are_read_whatever_host_they_name(scripted: ScriptedPortal, client: Portal):
    first = {
        "next": "http://inside.example/api/v1/jobs/?cursor=b%3D%3D&state=failed",
        "results": [{"id": 1}, {"id": 2}],
    }
    scripted.answers = [Answer(200, first), Answer(200, {"next": None, "results": [{"id": 3}]})]
    rows = client.list_jobs(state="failed", limit=2)
    assert not scripted.asked
    assert next(rows)["id"] == 1 and len(scripted.asked) == 1
    assert [row["id"] for row in rows] == [2, 3]
    assert [path for _, path, _, _ in scripted.asked] == [
        "/api/v1/jobs/?limit=2&state=failed",
        "/api/v1/jobs/?limit=2&state=failed&cursor=b%3D%3D",
    ]


def test_what_stands_in_a_path_is_escaped(scripted: ScriptedPortal, client: Portal):
    scripted.answers = [Answer(200, {})]
    client.get_preset("../tokens?x=1")
    assert scripted.asked[0][1] == "/api/v1/presets/..%2Ftokens%3Fx%3D1/"


def row(state: str, ended: bool = False) -> dict[str, Any]:
    return {"id": 1, "state": state, "ended_at": "2026-01-02T03:04:05Z" if ended else None}


def test_waiting_survives_a_portal_that_is_away(scripted: ScriptedPortal, client: Portal, slept: list[float]):
    states = [row("queued"), row("running"), row("succeeded", ended=True)]
    pages = [Answer(200, {"next": None, "results": [state]}) for state in states]
    scripted.answers = [pages[0], LOST, problem(503, "busy", Retry_After="9"), pages[1], pages[2]]
    seen: list[str] = []
    rows = client.wait_for_order(7, seen=lambda found: seen.extend(one["state"] for one in found))
    assert [one["state"] for one in rows] == ["succeeded"]
    assert seen == ["queued", "running", "succeeded"]
    assert slept == [1.0, 1.25, 9.0, 1.75]
    assert client.patience_s == 60.0


def test_waiting_ends_where_only_a_person_helps(scripted: ScriptedPortal, client: Portal):
    scripted.answers = [Answer(200, row("running")), Answer(200, row("attention"))]
    assert client.wait_for_job(1)["state"] == "attention"


def test_waiting_ends_in_time_and_at_a_refusal(scripted: ScriptedPortal, client: Portal):
    scripted.answers = [Answer(200, row("running"))]
    with pytest.raises(TimeOver):
        client.wait_for_job(1, timeout_s=0.5)
    scripted.answers = [problem(401, "not-authenticated")]
    with pytest.raises(Problem):
        client.wait_for_job(1)


@pytest.mark.parametrize(
    "url", ["", "portal.example.com", "ftp://x", "https://", "https://u:p@host", "https://h/?a=1"]
)
def test_what_is_no_address_of_a_portal_is_refused(url: str):
    with pytest.raises(ValueError, match="write https://portal.example.com"):
        Portal(url, TOKEN)


@pytest.mark.parametrize("token", ["", " ", "two words", "ü", "a\nb"])
def test_what_is_no_token_is_refused_without_repeating_it(token: str):
    with pytest.raises(ValueError, match="this is not a token") as caught:
        Portal("https://portal.example.com", token)
    assert "two words" not in str(caught.value)


def test_the_address_may_be_that_of_the_interface():
    assert Portal("https://h.example/portal/api/v1/", TOKEN).url == "https://h.example/portal"
