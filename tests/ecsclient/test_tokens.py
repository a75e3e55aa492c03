"""Signing in with a password against a local identity service."""

import copy
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecsclient.auth import PasswordLogin, Token, TokenSource
from ecsclient.errors import AuthRefused, BadAnswer, Unclear, Unsent
from ecsclient.exchange import Exchange
from tests.ecsclient.documents import EXAMPLES
from tests.ecsclient.scriptedcloud import PROJECT, Reply, ScriptedCloud

LOGIN = PasswordLogin("opsuser", "canary-password", "OTC-EU-DE-EXAMPLE")
TOKENS = "/v3/auth/tokens"
PATH = f"/v1/{PROJECT}/things"
OK = Reply(200, {"a": 1})
EXPIRES = datetime(2026, 1, 3, 3, 4, 5, 527363, tzinfo=UTC)
EXPIRED = Reply(401, {"error": {"code": "Common.0013", "message": "Invalid token."}})


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def signed_in(number: int = 1, **changes: Any) -> Reply:
    payload = copy.deepcopy(EXAMPLES["iam_token"].payload)
    payload["token"].update(changes)
    return Reply(201, payload, {"X-Subject-Token": f"canary-token-{number}"})


def source(cloud: ScriptedCloud, clock: Clock | None = None, endpoint: str = "") -> TokenSource:
    clock = clock or Clock(EXPIRES - timedelta(hours=20))
    return TokenSource(
        endpoint=endpoint or cloud.base, login=LOGIN, project_id=PROJECT, timeout=(2, 2), clock=clock
    )


@pytest.mark.parametrize("suffix", ["", "/", "/v3", "/v3/"])
def test_the_documented_request_and_answer(cloud: ScriptedCloud, suffix: str) -> None:
    cloud.on(TOKENS, signed_in())
    token = source(cloud, endpoint=cloud.base + suffix).token()
    assert token == Token("canary-token-1", "aaaabbbbccccddddeeeeffff00001111", EXPIRES)
    assert json.loads(cloud.asked[0].body) == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "opsuser",
                        "password": "canary-password",
                        "domain": {"name": "OTC-EU-DE-EXAMPLE"},
                    }
                },
            },
            "scope": {"project": {"id": PROJECT}},
        }
    }
    assert "canary" not in repr(token)


def test_a_token_is_kept_until_ten_minutes_before_its_end(cloud: ScriptedCloud) -> None:
    cloud.on(TOKENS, signed_in(1), signed_in(2))
    clock = Clock(EXPIRES - timedelta(minutes=10, microseconds=1))
    tokens = source(cloud, clock)
    assert [tokens.token().value for _ in range(3)] == ["canary-token-1"] * 3
    clock.now += timedelta(microseconds=1)
    assert tokens.token().value == "canary-token-2"
    assert len(cloud.asked) == 2


def test_many_threads_sign_in_once(cloud: ScriptedCloud) -> None:
    cloud.on(TOKENS, signed_in())
    tokens, barrier = source(cloud), threading.Barrier(8)
    seen: list[str] = []

    def ask() -> None:
        barrier.wait(5)
        seen.append(tokens.token().value)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert seen == ["canary-token-1"] * 8
    assert len(cloud.asked) == 1


def test_who_waited_for_a_sign_in_that_failed_does_not_try_again(cloud: ScriptedCloud) -> None:
    """Else a silent identity service holds up each of them in turn, and a wrong password locks the user."""
    cloud.on(TOKENS, Reply(503, {"error": {"code": "503", "message": "down"}}), signed_in())
    tokens, barrier, failed = source(cloud), threading.Barrier(8), []

    def ask() -> None:
        barrier.wait(5)
        try:
            tokens.token()
        except Unclear as error:
            failed.append(error)

    cloud.hold = 0.3
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(failed) == 8
    assert len(cloud.asked) == 1
    tokens.try_again()
    assert tokens.token().value == "canary-token-1"


def test_only_the_refused_token_is_forgotten(cloud: ScriptedCloud) -> None:
    cloud.on(TOKENS, signed_in(1), signed_in(2))
    tokens = source(cloud)
    tokens.token()
    tokens.invalidate("another")
    assert tokens.token().value == "canary-token-1"
    tokens.invalidate("canary-token-1")
    assert tokens.token().value == "canary-token-2"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, EXAMPLES["iam_token"].payload),
        Reply(201, EXAMPLES["iam_token"].payload, {"X-Subject-Token": "has space"}),
        Reply(201, {"token": {}}, {"X-Subject-Token": "t"}),
        Reply(201, {}, {"X-Subject-Token": "t"}),
        Reply(201, None, {"X-Subject-Token": "t"}, raw=b"<html>"),
        signed_in(expires_at="soon"),
        signed_in(user={}),
    ],
)
def test_an_answer_that_is_no_sign_in(cloud: ScriptedCloud, reply: Reply) -> None:
    cloud.on(TOKENS, reply)
    with pytest.raises(BadAnswer):
        source(cloud).token()


def test_a_token_of_another_project_is_refused(cloud: ScriptedCloud) -> None:
    cloud.on(TOKENS, signed_in(project={"id": "f" * 32}))
    with pytest.raises(AuthRefused, match="project"):
        source(cloud).token()


@pytest.mark.parametrize(("status", "kind"), [(401, AuthRefused), (500, Unclear), (302, Unclear)])
def test_a_sign_in_is_tried_once(cloud: ScriptedCloud, status: int, kind: type[Exception]) -> None:
    cloud.on(TOKENS, Reply(status, EXAMPLES["iam_token_401"].payload))
    with cloud.session(credentials=LOGIN) as session, pytest.raises(kind):
        session.get("ecs", PATH)
    assert cloud.paths() == [TOKENS]


@pytest.mark.parametrize(
    ("status", "kind", "seconds"), [(401, AuthRefused, 300), (500, Unclear, 2)], ids=["refused", "failed"]
)
def test_a_failed_sign_in_is_not_repeated_by_all_who_wait_for_it(
    cloud: ScriptedCloud, status: int, kind: type[Exception], seconds: int
) -> None:
    cloud.on(TOKENS, Reply(status, EXAMPLES["iam_token_401"].payload), signed_in())
    clock = Clock(EXPIRES - timedelta(hours=20))
    tokens = source(cloud, clock)
    for _ in range(20):
        with pytest.raises(kind):
            tokens.token()
    clock.now += timedelta(seconds=seconds, microseconds=-1)
    with pytest.raises(kind):
        tokens.token()
    assert len(cloud.asked) == 1
    clock.now += timedelta(microseconds=1)
    assert tokens.token().value == "canary-token-1"


@pytest.mark.parametrize("mend", ["try again", "clock set back"])
def test_a_refusal_does_not_outlast_its_cause(cloud: ScriptedCloud, mend: str) -> None:
    cloud.on(TOKENS, Reply(401, EXAMPLES["iam_token_401"].payload), signed_in())
    clock = Clock(EXPIRES - timedelta(hours=20))
    tokens = source(cloud, clock)
    with pytest.raises(AuthRefused):
        tokens.token()
    if mend == "try again":
        tokens.try_again()
    else:
        clock.now -= timedelta(hours=1)
    assert tokens.token().value == "canary-token-1"


def test_a_session_sends_the_token_and_knows_the_user(cloud: ScriptedCloud) -> None:
    cloud.on(TOKENS, signed_in())
    cloud.on(PATH, OK)
    with cloud.session(credentials=LOGIN, clock=Clock(EXPIRES - timedelta(hours=1))) as session:
        assert session.user_id() == "aaaabbbbccccddddeeeeffff00001111"
        assert session.get("ecs", PATH) == {"a": 1}
    assert cloud.paths() == [TOKENS, PATH]
    assert cloud.asked[1].headers["X-Auth-Token"] == "canary-token-1"
    assert "Authorization" not in cloud.asked[1].headers


def test_an_access_key_does_not_tell_its_user(cloud: ScriptedCloud) -> None:
    assert cloud.session().user_id() is None
    assert cloud.asked == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_token_that_died_early_is_renewed_once(cloud: ScriptedCloud, method: str) -> None:
    cloud.on(TOKENS, signed_in(1), signed_in(2))
    cloud.on(PATH, EXPIRED, OK)
    with cloud.session(credentials=LOGIN, clock=Clock(EXPIRES - timedelta(hours=1))) as session:
        answer = session.get("ecs", PATH) if method == "get" else session.post("ecs", PATH, {})
    assert answer == {"a": 1}
    assert cloud.paths() == [TOKENS, PATH, TOKENS, PATH]
    assert cloud.asked[3].headers["X-Auth-Token"] == "canary-token-2"


def test_a_token_refused_twice_is_refused(cloud: ScriptedCloud) -> None:
    cloud.on(TOKENS, signed_in())
    cloud.on(PATH, EXPIRED)
    session = cloud.session(credentials=LOGIN, clock=Clock(EXPIRES - timedelta(hours=1)))
    with pytest.raises(AuthRefused):
        session.get("ecs", PATH)
    assert cloud.paths() == [TOKENS, PATH, TOKENS, PATH]


def test_the_expired_token_answer_of_the_key_service_is_understood(cloud: ScriptedCloud) -> None:
    expired = Reply(403, {"error": {"error_code": "KMS.0303", "error_msg": "X-Auth-Token expired."}})
    cloud.on(TOKENS, signed_in(1), signed_in(2))
    cloud.on(PATH, expired, OK)
    session = cloud.session(credentials=LOGIN, clock=Clock(EXPIRES - timedelta(hours=1)))
    assert session.post("kms", PATH, {}) == {"a": 1}


def test_sessions_may_share_a_sign_in(cloud: ScriptedCloud) -> None:
    cloud.on(TOKENS, signed_in())
    cloud.on(PATH, OK)
    shared = source(cloud)
    for _ in range(3):
        with cloud.session(credentials=shared) as session:
            session.get("ecs", PATH)
    assert cloud.paths() == [TOKENS, PATH, PATH, PATH]


def test_neither_password_nor_token_is_ever_written_down(cloud: ScriptedCloud) -> None:
    told: list[Exchange] = []
    cloud.on(TOKENS, signed_in())
    # A login page that shows the request it got.
    cloud.on(PATH, Reply(200, raw=b"<html>X-Auth-Token: canary-token-1</html>"))
    session = cloud.session(
        credentials=LOGIN, on_exchange=told.append, clock=Clock(EXPIRES - timedelta(hours=1))
    )
    with pytest.raises(BadAnswer) as caught:
        session.get("ecs", PATH)
    assert [(e.method, e.path.partition("?")[0], e.status) for e in told] == [
        ("POST", TOKENS, 201),
        ("GET", PATH, 200),
    ]
    assert b"[hidden]" in told[1].response_body
    assert "canary" not in repr(told) + str(caught.value) + repr(vars(session).keys())


def test_without_an_identity_endpoint_nobody_can_sign_in(cloud: ScriptedCloud) -> None:
    with pytest.raises(Unsent, match="'iam'"):
        cloud.session(credentials=LOGIN, endpoints={"ecs": cloud.base})
