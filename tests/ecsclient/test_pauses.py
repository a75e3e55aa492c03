"""How long a throttled caller is asked to wait: seconds, a date, a window in the message, or not said."""

import contextlib

import pytest

from ecsclient.errors import CloudError, Throttled, asked_pause, error_of, parse_error, pause_of
from ecsclient.session import CloudSession, Exchange
from tests.ecsclient.scriptedcloud import KEY, PROJECT, Reply, ScriptedCloud

PATH = f"/v1/{PROJECT}/cloudservers/detail"
DATE = "Fri, 31 Dec 2027 23:59:00 GMT"
WINDOW = b'{"error_code":"APIGW.0308","error_msg":"over ratelimit,limit:200,time:5 minute"}'
PLAIN = b'{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}'


@pytest.mark.parametrize(
    ("header", "body", "asked"),
    [
        ("7", PLAIN, 7.0),
        (" 7 ", PLAIN, 7.0),
        ("0", PLAIN, 0.0),
        ("1000000000", PLAIN, 3600.0),
        ("1" * 30, PLAIN, 3600.0),
        ("Fri, 31 Dec 2027 23:59:42 GMT", PLAIN, 42.0),
        ("Friday, 31-Dec-27 23:59:42 GMT", PLAIN, 42.0),
        ("Fri, 31 Dec 2027 23:58:00 GMT", PLAIN, 0.0),
        ("7", WINDOW, 7.0),
        (None, WINDOW, 300.0),
        (None, PLAIN, None),
        ("soon", PLAIN, None),
        ("-5", PLAIN, None),
        ("", PLAIN, None),
    ],
)
def test_what_is_asked(header: str | None, body: bytes, asked: float | None) -> None:
    info = parse_error(429, "application/json", body)
    assert asked_pause(info, header, DATE) == asked
    assert pause_of(info, header, DATE) == (5.0 if asked is None else asked)
    error = error_of(429, info, request_id="", retry_after=header, date=DATE)
    assert isinstance(error, Throttled)
    assert error.retry_after == (5.0 if asked is None else asked)


def test_a_session_without_patience_raises_at_once_and_says_what_was_asked(cloud: ScriptedCloud) -> None:
    heard: list[Exchange] = []
    cloud.on(PATH, Reply(429, {"error_code": "APIGW.0308", "error_msg": "slow"}, {"Retry-After": "1"}))
    session = CloudSession(
        endpoints={"ecs": cloud.base},
        project_id=PROJECT,
        credentials=KEY,
        on_exchange=heard.append,
        patient=False,
    )
    with session, pytest.raises(Throttled):
        session.get("ecs", PATH)
    [call] = heard
    assert (call.throttled, call.pause_s) == (True, 1.0)


@pytest.mark.parametrize("reply", [Reply(200, {"servers": []}), Reply(500, {"error": {"code": "Ecs.0000"}})])
def test_other_answers_are_no_throttling(cloud: ScriptedCloud, reply: Reply) -> None:
    heard: list[Exchange] = []
    cloud.on(PATH, reply)
    session = CloudSession(
        endpoints={"ecs": cloud.base}, project_id=PROJECT, credentials=KEY, on_exchange=heard.append
    )
    with session, contextlib.suppress(CloudError):
        session.get("ecs", PATH)
    assert [(call.throttled, call.pause_s) for call in heard] == [(False, None)]


def test_the_flow_limit_is_throttling_although_it_comes_with_202(cloud: ScriptedCloud) -> None:
    heard: list[Exchange] = []
    cloud.on(PATH, Reply(202, {"error": {"code": "Common.0024", "message": "exceeds flow limit"}}))
    session = CloudSession(
        endpoints={"ecs": cloud.base},
        project_id=PROJECT,
        credentials=KEY,
        on_exchange=heard.append,
        patient=False,
    )
    with session, pytest.raises(Throttled):
        session.get("ecs", PATH)
    assert [(call.throttled, call.pause_s) for call in heard] == [(True, None)]
