"""The destructive call: exactly the given bytes, signed as of the given time, sent once."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from ecsclient.auth import AkSk, PasswordLogin
from ecsclient.errors import Unsent
from ecsclient.reinstallos import prepare_reinstall, send_reinstall
from ecsclient.session import CloudSession
from ecsclient.transport import Phase
from tests.ecsclient.documents import EXAMPLES, load
from tests.ecsclient.rawserver import RawServer, answering, reset
from tests.ecsclient.scriptedcloud import KEY, PROJECT, Reply, ScriptedCloud

WEB = "11111111-2222-4333-8444-555555555555"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = b'{"os-reinstall":{"keyname":"KeyPair-350b","userid":"7e25b1da389f4697a79df3a0e5bd494e"}}'
LOGIN = PasswordLogin("opsuser", "canary-password", "D")


def test_the_published_vector() -> None:
    vector = next(v for v in load("sign_vectors.json") if v["name"] == "reinstall_v2")
    inputs = vector["inputs"]
    session = CloudSession(
        endpoints={"ecs": f"https://{inputs['host']}/"},
        project_id=PROJECT,
        credentials=AkSk(inputs["ak"], inputs["sk"]),
    )
    prepared = prepare_reinstall(session, server_id=WEB, body=inputs["body"].encode(), signed_at=AT)
    assert prepared.headers["Authorization"] == vector["authorization"]
    assert prepared.url == f"https://{inputs['host']}{inputs['path']}"
    assert prepared.path == inputs["path"]
    assert prepared.body_sha256 == vector["canonical_request"].rpartition("\n")[2]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_preparing_sends_nothing_and_sending_sends_it_once(
    cloud: ScriptedCloud, version: Literal["v1", "v2"]
) -> None:
    path = f"/{version}/{PROJECT}/cloudservers/{WEB}/reinstallos"
    cloud.example("reinstall_v2_key", path)
    prepared = prepare_reinstall(cloud.session(), server_id=WEB, body=BODY, signed_at=AT, version=version)
    assert cloud.asked == []
    result = send_reinstall(prepared)
    assert (result.phase, result.status) == (Phase.COMPLETE, 200)
    assert json.loads(result.body) == {"job_id": "ff80808288d41e1b018990260955686a"}
    assert result.headers["x-request-id"] == "a0b1c2d3e4f5061728394a5b6c7d8e9f"
    (asked,) = cloud.asked
    assert (asked.method, asked.path, asked.body) == ("POST", path, BODY)
    assert asked.headers["X-Sdk-Date"] == "20260102T030405Z"
    assert asked.headers["Content-Type"] == "application/json"
    assert prepared.body_sha256 == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("example", [name for name in EXAMPLES if name.startswith("err_")])
def test_every_published_refusal_arrives_whole_and_only_once(cloud: ScriptedCloud, example: str) -> None:
    path = f"/v2/{PROJECT}/cloudservers/{WEB}/reinstallos"
    cloud.example(example, path)
    prepared = prepare_reinstall(cloud.session(), server_id=WEB, body=BODY, signed_at=AT)
    result = send_reinstall(prepared)
    assert (result.complete, result.status) == (True, EXAMPLES[example].status)
    assert json.loads(result.body) == EXAMPLES[example].payload
    assert len(cloud.asked) == 1


def test_a_lost_answer_is_not_sent_for_again() -> None:
    with RawServer(answering(b"", lambda c, s: reset(c))) as server:
        session = CloudSession(endpoints={"ecs": server.url}, project_id=PROJECT, credentials=KEY)
        result = send_reinstall(prepare_reinstall(session, server_id=WEB, body=BODY, signed_at=AT))
        assert (result.phase, result.was_sent) == (Phase.SENT, True)
        assert len(server.requests) == server.connections == 1


def test_with_a_password_the_token_is_fetched_while_preparing(cloud: ScriptedCloud) -> None:
    token = EXAMPLES["iam_token"]
    cloud.on("/v3/auth/tokens", Reply(201, token.payload, {"X-Subject-Token": "canary-token"}))
    cloud.example("reinstall_v2_key", f"/v2/{PROJECT}/cloudservers/{WEB}/reinstallos")
    session = cloud.session(credentials=LOGIN, clock=lambda: AT)
    prepared = prepare_reinstall(session, server_id=WEB, body=BODY, signed_at=AT + timedelta(seconds=1))
    assert cloud.paths() == ["/v3/auth/tokens"]
    assert prepared.headers["X-Auth-Token"] == "canary-token"
    assert "Authorization" not in prepared.headers
    assert send_reinstall(prepared).status == 200
    assert cloud.asked[1].headers["X-Auth-Token"] == "canary-token"


def test_a_prepared_call_does_not_show_its_credential_or_body(cloud: ScriptedCloud) -> None:
    prepared = prepare_reinstall(cloud.session(), server_id=WEB, body=BODY, signed_at=AT)
    assert "Signature" not in repr(prepared) and "keyname" not in repr(prepared)
    assert WEB in repr(prepared)


@pytest.mark.parametrize("server_id", ["", "..", "a/b", "a?b", "a\n"])
def test_an_id_that_would_change_the_path(cloud: ScriptedCloud, server_id: str) -> None:
    with pytest.raises(ValueError, match="server_id"):
        prepare_reinstall(cloud.session(), server_id=server_id, body=BODY, signed_at=AT)


def test_a_version_or_time_that_cannot_be_used(cloud: ScriptedCloud) -> None:
    with pytest.raises(ValueError, match="version"):
        prepare_reinstall(
            cloud.session(),
            server_id=WEB,
            body=BODY,
            signed_at=AT,
            version="v3",  # type: ignore[arg-type]
        )
    with pytest.raises(ValueError, match="signed_at"):
        prepare_reinstall(cloud.session(), server_id=WEB, body=BODY, signed_at=AT.replace(tzinfo=None))


def test_without_an_endpoint_nothing_can_be_prepared(cloud: ScriptedCloud) -> None:
    with pytest.raises(Unsent, match="'ecs'"):
        prepare_reinstall(cloud.session(endpoints={}), server_id=WEB, body=BODY, signed_at=AT)
