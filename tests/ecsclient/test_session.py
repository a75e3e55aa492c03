"""The session against a local server: what is repeated, what never is, and what is written down."""

import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from ecsclient.errors import (
    AuthRefused,
    BadAnswer,
    CloudError,
    ConnectionLost,
    Refused,
    Throttled,
    Unclear,
    Unsent,
)
from ecsclient.session import CloudSession, Exchange
from tests.ecsclient.documents import EXAMPLES
from tests.ecsclient.rawserver import (
    Behaviour,
    RawServer,
    answering,
    certificate,
    dripping,
    full_backlog,
    hang,
    reset,
)
from tests.ecsclient.scriptedcloud import KEY, PROJECT, Asked, Reply, ScriptedCloud

PATH = f"/v1/{PROJECT}/things"
OK = Reply(200, {"a": 1})


def raw_session(server: RawServer, **more: Any) -> CloudSession:
    given: dict[str, Any] = {"project_id": PROJECT, "credentials": KEY, "timeout": (0.5, 0.4)}
    return CloudSession(endpoints={"ecs": server.url}, **{**given, **more})


def verify(asked: Asked, base: str) -> None:
    """The official signer signs what arrived to the same signature."""
    names = asked.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    signed = {k.lower(): v for k, v in asked.headers.items() if k.lower() in names}
    request = SdkRequest(
        method=asked.method,
        schema="http",
        host=urlsplit(base).netloc,
        resource_path=asked.path,
        query_params=list(asked.query.items()),
        header_params=signed,
        body=asked.body,
    )
    Signer(BasicCredentials(KEY.access_key, KEY.secret_key, PROJECT)).sign(request)
    assert request.header_params["Authorization"] == asked.headers["Authorization"]


def test_a_signed_read_is_accepted_by_the_official_signer(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, OK)
    with cloud.session(domain_id="d0") as session:
        assert session.get("ecs", PATH, {"name": "web server*~ä/+", "limit": 2}) == {"a": 1}
    asked = cloud.asked[0]
    verify(asked, cloud.base)
    assert asked.query == {"name": "web server*~ä/+", "limit": "2"}
    assert (asked.headers["X-Project-Id"], asked.headers["X-Domain-Id"]) == (PROJECT, "d0")
    assert asked.headers["Accept-Encoding"] == "identity"


def test_a_signed_post_is_accepted_by_the_official_signer(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, OK)
    with cloud.session() as session:
        assert session.post("ecs", PATH, {"key": "ä"}) == {"a": 1}
    verify(cloud.asked[0], cloud.base)
    assert cloud.asked[0].body == b'{"key": "\\u00e4"}'


@pytest.mark.parametrize(
    "first",
    [
        Reply(429, EXAMPLES["err_flow_429"].payload, {"Retry-After": "0"}),
        Reply(503, None, {"Retry-After": "0"}, raw=b""),
        Reply(503, {"error": {"code": "Common.1503", "message": "flow"}}, {"Retry-After": "0"}),
    ],
    ids=["429", "503", "flow-503"],
)
def test_a_read_is_tried_three_times(cloud: ScriptedCloud, first: Reply) -> None:
    cloud.on(PATH, first, first, OK)
    cloud.on(PATH + "/never", first)
    with cloud.session() as session:
        assert session.get("ecs", PATH) == {"a": 1}
        with pytest.raises((Throttled, Unclear)):
            session.get("ecs", PATH + "/never")
    assert cloud.paths() == [PATH] * 3 + [PATH + "/never"] * 3


def test_retry_after_is_waited_for(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, Reply(429, EXAMPLES["err_flow_429"].payload, {"Retry-After": "1"}), OK)
    started = time.monotonic()
    with cloud.session() as session:
        session.get("ecs", PATH)
    assert 1.0 <= time.monotonic() - started < 2.5


def test_a_long_pause_is_left_to_the_caller(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, Reply(429, EXAMPLES["err_throttle_gw"].payload))
    with cloud.session() as session, pytest.raises(Throttled) as caught:
        session.get("ecs", PATH)
    assert caught.value.retry_after == 300
    assert len(cloud.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 502, 504])
def test_no_other_answer_is_asked_for_again(cloud: ScriptedCloud, status: int) -> None:
    cloud.on(PATH, Reply(status, {"error": {"code": "Test.1", "message": "m"}}))
    with cloud.session() as session, pytest.raises(CloudError) as caught:
        session.get("ecs", PATH)
    assert (caught.value.status, caught.value.code) == (status, "Test.1")
    assert len(cloud.asked) == 1


@pytest.mark.parametrize("status", [429, 503, 500, 401])
def test_a_post_is_never_repeated(cloud: ScriptedCloud, status: int) -> None:
    cloud.on(PATH, Reply(status, {"error": {"code": "Test.1", "message": "m"}}, {"Retry-After": "0"}))
    with cloud.session() as session, pytest.raises(CloudError):
        session.post("ecs", PATH, {})
    assert len(cloud.asked) == 1


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (lambda c, s: (s.read(c), None)[1], ConnectionLost),
        (answering(b"", lambda c, s: reset(c)), ConnectionLost),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), ConnectionLost),
        (answering(b"", hang), Unclear),
        (answering(b"HTTP/1.1 200 OK\r\nCon"), BadAnswer),
        (
            answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"),
            BadAnswer,
        ),
    ],
    ids=["close", "reset", "cut-body", "hang", "cut-header", "gzip"],
)
def test_a_post_whose_answer_is_lost_is_unclear_and_sent_once(behave: Behaviour, kind: type[Unclear]) -> None:
    with RawServer(behave) as server, raw_session(server) as session:
        with pytest.raises(Unclear) as caught:
            session.post("ecs", PATH, {})
        assert type(caught.value) is kind
        assert len(server.requests) == 1


def test_a_lost_connection_is_tried_again_for_a_read_only() -> None:
    with RawServer(answering(b"", lambda c, s: reset(c))) as server, raw_session(server) as session:
        with pytest.raises(ConnectionLost):
            session.get("ecs", PATH)
        assert len(server.requests) == 3


def test_a_post_does_not_trust_a_kept_connection() -> None:
    def one_answer_then_close(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        server.read(connection)

    with RawServer(one_answer_then_close) as server, raw_session(server) as session:
        session.get("ecs", PATH)
        assert session.post("ecs", PATH, {}) == {}
        assert server.connections == 2


def test_a_refused_connection_is_unsent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    session = CloudSession(endpoints={"ecs": base}, project_id=PROJECT, credentials=KEY)
    with pytest.raises(Unsent, match="refused"):
        session.post("ecs", PATH, {})


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]"])
def test_an_address_no_cloud_has_is_not_connected_to(host: str) -> None:
    session = CloudSession(endpoints={"ecs": f"http://{host}"}, project_id=PROJECT, credentials=KEY)
    with pytest.raises(Unsent, match="the address is refused"):
        session.post("ecs", PATH, {})


def test_a_connection_that_hangs_is_unsent() -> None:
    with full_backlog() as url:
        session = CloudSession(endpoints={"ecs": url}, project_id=PROJECT, credentials=KEY, timeout=(0.3, 2))
        with pytest.raises(Unsent):
            session.post("ecs", PATH, {})


def test_an_untrusted_certificate_is_unsent(tmp_path: Any) -> None:
    context, _ = certificate(tmp_path)
    with RawServer(answering(b""), tls=context) as server, raw_session(server) as session:
        with pytest.raises(Unsent, match="self-signed"):
            session.post("ecs", PATH, {})
        assert server.requests == []


def test_a_dripping_answer_is_cut_at_the_wall() -> None:
    payload = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b" " * 900
    for every in (0.05, 0.005):  # in the headers, in the body
        with RawServer(dripping(payload, every)) as server, raw_session(server) as session:
            started = time.monotonic()
            with pytest.raises(Unclear, match="not complete after 1.3 s"):
                session.get("ecs", PATH)
            assert time.monotonic() - started < 2.5
            assert len(server.requests) == 1


def test_an_answer_above_eight_megabytes_is_refused() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"
    with (
        RawServer(answering(head + b" " * 9_000_000)) as server,
        raw_session(server) as session,
        pytest.raises(BadAnswer, match="longer than 8 MB"),
    ):
        session.get("ecs", PATH)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(cloud: ScriptedCloud, status: int) -> None:
    with RawServer(answering(b"")) as other:
        cloud.on(PATH, Reply(status, None, {"Location": f"{other.url}/x"}, raw=b""))
        with cloud.session() as session, pytest.raises(Unclear):
            session.get("ecs", PATH)
        assert other.connections == 0


def test_no_proxy_netrc_or_cookie_is_used(
    cloud: ScriptedCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    cloud.on(PATH, Reply(200, {"a": 1}, {"Set-Cookie": "canary=1; Path=/"}))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with RawServer(answering(b"")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with cloud.session() as session:
            session.get("ecs", PATH)
            session.get("ecs", PATH)
        assert proxy.connections == 0
    assert all("Cookie" not in asked.headers for asked in cloud.asked)
    assert all(asked.headers["Authorization"].startswith("SDK-HMAC-SHA256 ") for asked in cloud.asked)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b'"x"',
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b"{} x",
        b"\xff",
        b"[" * 9999,
    ]
    + [b'{"a":' + b"9" * 5000 + b"}"],
)
def test_what_is_not_a_strict_json_object_is_a_bad_answer(cloud: ScriptedCloud, raw: bytes) -> None:
    cloud.on(PATH, Reply(200, raw=raw))
    with cloud.session() as session, pytest.raises(BadAnswer):
        session.get("ecs", PATH)
    assert len(cloud.asked) == 1


def test_a_success_status_that_carries_an_error_is_one(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, Reply(202, EXAMPLES["err_flow_202"].payload))
    cloud.on(PATH + "/2", Reply(200, {"error_code": "APIGW.0301", "error_msg": "m"}))
    with cloud.session() as session:
        with pytest.raises(Throttled):
            session.post("ecs", PATH, {})
        with pytest.raises(Refused, match="APIGW.0301"):
            session.get("ecs", PATH + "/2")


def test_every_call_is_told_without_headers(cloud: ScriptedCloud) -> None:
    told: list[Exchange] = []
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    cloud.on(PATH, Reply(503, raw=b"", headers={"Retry-After": "0"}), Reply(200, {"a": "x" * 70_000}))
    cloud.on(PATH + "/2", Reply(400, EXAMPLES["err_status"].payload, {"X-Request-Id": "req-1"}))
    with cloud.session(on_exchange=told.append, clock=lambda: now) as session:
        session.get("ecs", PATH, {"limit": 2})
        with pytest.raises(Refused):
            session.post("ecs", PATH + "/2", {"a": 1})
    assert [(e.method, e.path, e.status) for e in told] == [
        ("GET", PATH + "?limit=2", 503),
        ("GET", PATH + "?limit=2", 200),
        ("POST", PATH + "/2", 400),
    ]
    assert len(told[1].response_body) == 64 * 1024
    assert (told[2].request_body, told[2].request_id, told[2].at) == (b'{"a": 1}', "req-1", now)
    assert told[2].error.startswith("Ecs.0100: ")
    assert KEY.secret_key not in repr(told) and "SDK-HMAC" not in repr(told)


def test_a_call_that_fails_is_told_too() -> None:
    told: list[Exchange] = []
    with (
        RawServer(answering(b"", hang)) as server,
        raw_session(server, on_exchange=told.append) as session,
        pytest.raises(Unclear),
    ):
        session.post("ecs", PATH, {})
    assert [(e.status, e.error) for e in told] == [(None, "the cloud did not answer in time")]
    assert told[0].duration_ms >= 300


@pytest.mark.parametrize(
    "base", ["", "ecs.example.com", "ftp://x", "https://u:p@x", "https://x?y", "https://"]
)
def test_an_endpoint_that_is_no_address(base: str) -> None:
    with pytest.raises(ValueError, match="endpoint 'ecs'"):
        CloudSession(endpoints={"ecs": base}, project_id=PROJECT, credentials=KEY)


def test_a_service_without_endpoint_and_a_bad_project(cloud: ScriptedCloud) -> None:
    with pytest.raises(Unsent, match="no endpoint is set for the service 'vpc'"):
        cloud.session().get("vpc", "/v3/x")
    with pytest.raises(ValueError, match="project_id"):
        cloud.session(project_id="../x")


def test_the_signature_carries_the_time_of_the_clock(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, OK)
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(days=1)
    cloud.session(clock=lambda: moment).get("ecs", PATH)
    assert cloud.asked[0].headers["X-Sdk-Date"] == "20260103T030405Z"


def test_a_refused_key_is_not_tried_again(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, Reply(401, EXAMPLES["err_aksk"].payload))
    with pytest.raises(AuthRefused):
        cloud.session().get("ecs", PATH)
    assert len(cloud.asked) == 1
