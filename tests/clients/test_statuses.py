"""Which exit status the command line ends with: 0 is for success alone."""

from typing import Any

import pytest

from ecsportal_client import main
from tests.clients.conftest import TOKEN
from tests.clients.scriptedportal import Answer, ScriptedPortal, problem

ENDED = "2026-01-02T03:04:05Z"
FINAL = ("failed", "rejected", "not_applied", "cancelled", "expired")


def job(state: str, number: int = 1) -> dict[str, Any]:
    ended = ENDED if state in ("succeeded", *FINAL) else None
    server = {"id": "a", "name": "web\x1b[31m-1"}
    return {"id": number, "state": state, "ended_at": ended, "server": server, "step": "A step."}


@pytest.fixture
def cli(scripted: ScriptedPortal, monkeypatch: pytest.MonkeyPatch) -> ScriptedPortal:
    monkeypatch.setenv("PORTAL_URL", scripted.url)
    monkeypatch.setenv("PORTAL_TOKEN", TOKEN)
    monkeypatch.setenv("PORTAL_PATIENCE", "0")
    return scripted


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["succeeded"], 0),
        (["succeeded", "succeeded"], 0),
        *[(["succeeded", state], 1) for state in FINAL],
        (["attention"], 1),
        (["succeeded", "attention"], 1),
        (["awaiting_approval"], 1),
        (["failed", "attention"], 1),
        (["running"], 3),
        (["uncertain", "succeeded"], 3),
        # The one that goes on may still fail or succeed.
        (["failed", "running"], 3),
    ],
)
def test_the_status_of_an_order(
    states: list[str], status: int, cli: ScriptedPortal, capsys: pytest.CaptureFixture[str]
):
    rows = [job(state, number) for number, state in enumerate(states, 1)]
    placed = Answer(201, {"id": 7, "jobs": rows})
    cli.answers = [placed, Answer(200, {"next": None, "results": rows})]
    server = "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f"
    words = [
        "order",
        "--project",
        "shop",
        "--server",
        server,
        "--confirm",
        "web-1",
        "--wait",
        "--timeout",
        "0",
    ]
    assert main(words) == status
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == len(states)
    assert "\x1b" not in said.out + said.err and TOKEN not in said.out + said.err


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (problem(400, "rule-broken"), 2),
        (problem(401, "not-authenticated"), 2),
        (problem(403, "not-allowed"), 2),
        (problem(404, "not-found"), 2),
        (problem(409, "held"), 2),
        (problem(422, "rule-broken"), 2),
        (problem(429, "too-many-requests"), 3),
        (problem(500, "internal"), 3),
        (problem(503, "busy"), 3),
        (Answer(0), 3),
        (Answer(200, b"hello"), 3),
    ],
)
@pytest.mark.parametrize("words", ["cancel 1", "job 1", "jobs", "servers"])
def test_the_status_of_a_refusal(
    words: str, answer: Answer, status: int, cli: ScriptedPortal, capsys: pytest.CaptureFixture[str]
):
    cli.answers = [answer]
    assert main(words.split()) == status
    said = capsys.readouterr()
    assert not said.out and said.err.startswith("ecsportal-cli: ")
    if answer.status >= 400:
        assert "confirm: Type it exactly." in said.err and "request r-1" in said.err


def test_a_portal_that_refuses_to_tell_leaves_it_unknown(cli: ScriptedPortal):
    cli.answers = [Answer(200, job("running")), problem(401, "not-authenticated")]
    assert main(["job", "1", "--wait"]) == 3


def test_an_order_without_an_answer_says_how_to_ask_again(
    cli: ScriptedPortal, capsys: pytest.CaptureFixture[str]
):
    cli.answers = [Answer(0)]
    server = "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f"
    assert main(["order", "--project", "shop", "--server", server, "--key", "mine", "--wait"]) == 3
    assert "with --key mine asks, and orders once" in capsys.readouterr().err


def test_what_was_not_said_is_left_to_the_preset(cli: ScriptedPortal):
    placed = Answer(201, {"id": 7, "jobs": []})
    server = "bae51750-0089-41a1-9d5a-6a4d5a7a9b1f"
    plain = ["order", "--project", "shop", "--server", server]
    for more, spec in (
        ([], {"mode": "withStopServer"}),
        (["--no-stop"], {"mode": ""}),
        (["--preset", "base"], {}),
        (["--preset", "base", "--stop", "--encrypted", "yes"], {"mode": "withStopServer", "encrypted": True}),
    ):
        cli.asked.clear()
        cli.answers = [placed, Answer(200, {"next": None, "results": []})]
        main([*plain, *more])
        assert cli.asked[0][3]["spec"] == spec
