"""Traces, instance actions and whose credentials these are, in every shape the services write them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecsclient.actions import InstanceAction, instance_actions
from ecsclient.auth import PasswordLogin
from ecsclient.errors import BadAnswer, CloudError, Forbidden, NotFound
from ecsclient.identity import own_user_id
from ecsclient.traces import list_traces, newest_trace, parse_trace
from tests.ecsclient.documents import EXAMPLES
from tests.ecsclient.scriptedcloud import KEY, PROJECT, Reply, ScriptedCloud

JOB = "ff80808288d41e1b018990260955686a"
WEB = "11111111-2222-4333-8444-555555555555"
PATH = f"/v3/{PROJECT}/traces"
ACTIONS = f"/v2.1/{PROJECT}/servers/{WEB}/os-instance-actions"
SINCE = datetime(2026, 1, 2, 3, tzinfo=UTC)
MS = 1767323045678


def row(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "trace_id": "t-1",
        "trace_name": "reinstallOsV2",
        "resource_id": WEB,
        "user": {"id": "u-1", "name": "svc", "domain": {"id": "d"}, "access_key_id": "AK1"},
        "source_ip": "192.0.2.1",
        "response": {"job_id": JOB},
        "code": "200",
        "request_id": "r-1",
        "time": MS,
    }
    return {**values, **changes}


def test_a_call_and_its_job() -> None:
    trace = parse_trace(row())
    assert (trace.id, trace.name, trace.resource_id) == ("t-1", "reinstallOsV2", WEB)
    assert (trace.user_id, trace.user_name, trace.access_key) == ("u-1", "svc", "AK1")
    assert (trace.job_id, trace.code, trace.was_refused) == (JOB, "200", False)
    assert trace.at == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert trace.began is None


def test_objects_written_as_texts_and_numbers_as_digits() -> None:
    quoted = row(
        user=json.dumps(row()["user"]), response=json.dumps(row()["response"]), time=str(MS), code=200
    )
    assert parse_trace(quoted) == parse_trace(row())


def test_the_record_of_an_end_tells_when_the_job_began() -> None:
    response = {
        "status": "FAIL",
        "job_id": JOB,
        "begin_time": "2026-01-02T03:04:05.678Z",
        "error_code": "Ecs.0202",
    }
    trace = parse_trace(row(response=response))
    assert (trace.job_id, trace.was_refused, trace.error_code) == (JOB, False, "")
    assert trace.began == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert parse_trace(row(response={**response, "begin_time": "yesterday"})).began is None


@pytest.mark.parametrize("job_id", [7, "", "../x", None, "a" * 100])
def test_what_is_no_job_id_is_none(job_id: Any) -> None:
    assert parse_trace(row(response={"job_id": job_id})).job_id == ""


def test_a_refusal() -> None:
    trace = parse_trace(row(code="400", response={"error": {"code": "Ecs.0605", "message": "ECS locked."}}))
    assert trace.was_refused
    assert (trace.error_code, trace.error_message) == ("Ecs.0605", "ECS locked.")
    assert parse_trace(row(code="500", response="<html>")).was_refused
    assert not parse_trace(row(code="", response=None)).was_refused


@pytest.mark.parametrize(
    "changes", [{"time": None}, {"time": True}, {"time": 10**30}, {"trace_id": ""}, {"trace_name": None}]
)
def test_a_record_without_id_name_or_time_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        parse_trace(row(**changes))


def test_control_characters_do_not_get_in() -> None:
    trace = parse_trace(row(user={"id": "u\x00-1\u202e", "name": "s\nvc"}))
    assert (trace.user_id, trace.user_name) == ("u-1", "s vc")


def page(rows: list[dict[str, Any]], marker: str = "") -> Reply:
    return Reply(200, {"traces": rows, "meta_data": {"count": len(rows), "marker": marker}})


def test_the_query_and_its_pages(cloud: ScriptedCloud) -> None:
    full = [row(trace_id=f"t-{n}") for n in range(200)]
    cloud.on(PATH, page(full, "t-199"), page([full[0], row(trace_id="last")], "last"))
    found = list(list_traces(cloud.session(), since=SINCE, resource_id=WEB))
    assert [trace.id for trace in found] == [*(f"t-{n}" for n in range(200)), "last"]
    first, second = cloud.asked
    start = int(SINCE.timestamp() * 1000)
    assert first.query == {
        "trace_type": "system",
        "service_type": "ECS",
        "resource_id": WEB,
        "limit": "200",
        "from": str(start),
        "to": str(start + 7 * 86_400_000),
    }
    assert second.query["next"] == "t-199"


def test_pages_that_never_end_are_left_after_five(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, *(page([row(trace_id=f"{p}-{n}") for n in range(200)], "more") for p in range(9)))
    assert len(list(list_traces(cloud.session(), since=SINCE))) == 1000


def test_records_that_come_twice_are_one(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, page([row(), row(), row(trace_id="t-2")], "t-2"))
    assert [trace.id for trace in list_traces(cloud.session(), since=SINCE)] == ["t-1", "t-2"]


def test_the_newest_is_the_latest_whichever_comes_first(cloud: ScriptedCloud) -> None:
    cloud.on(PATH, page([row(), row(trace_id="t-2", time=MS + 5000)]), page([]))
    newest = newest_trace(cloud.session(), since=SINCE)
    assert newest == parse_trace(row()).at + timedelta(seconds=5)
    assert newest_trace(cloud.session(), since=SINCE) is None
    assert cloud.asked[0].query["limit"] == "20"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(200, {}), BadAnswer),
        (Reply(200, {"traces": [{"trace_id": "t"}]}), BadAnswer),
        (Reply(200, {"traces": {}}), BadAnswer),
        (Reply(403, {"error": {"code": "CTS.0013", "message": "not allowed"}}), Forbidden),
    ],
)
def test_traces_that_cannot_be_read(cloud: ScriptedCloud, reply: Reply, kind: type[CloudError]) -> None:
    cloud.on(PATH, reply)
    with pytest.raises(kind):
        list(list_traces(cloud.session(), since=SINCE))


def test_actions_as_published(cloud: ScriptedCloud) -> None:
    cloud.example("instance_actions")
    first, second = instance_actions(cloud.session(), WEB)
    assert first == InstanceAction(
        action="attach_volume",
        request_id="req-ee56c2b5-d33b-4749-ae83-000000000000",
        user_id="aaaabbbbccccddddeeeeffff00001111",
        at=datetime(2026, 1, 2, 3, 4, 10, tzinfo=UTC),
        message="",
    )
    assert second.action == "detach_volume"


def test_actions_of_no_server(cloud: ScriptedCloud) -> None:
    cloud.on(ACTIONS, Reply(404, EXAMPLES["err_nova_404"].payload), Reply(200, {}))
    with pytest.raises(NotFound):
        instance_actions(cloud.session(), WEB)
    with pytest.raises(BadAnswer):
        instance_actions(cloud.session(), WEB)
    with pytest.raises(ValueError, match="server_id"):
        instance_actions(cloud.session(), "../x")


def test_an_access_key_is_looked_up(cloud: ScriptedCloud) -> None:
    path = f"/v3.0/OS-CREDENTIAL/credentials/{KEY.access_key}"
    known = {"credential": {"access": KEY.access_key, "user_id": "u-1", "status": "active"}}
    other = {"credential": {"access": "somebody", "user_id": "u-2"}}
    cloud.on(path, Reply(200, known), Reply(200, other), Reply(403, EXAMPLES["err_nova_404"].payload))
    session = cloud.session()
    assert [own_user_id(session) for _ in range(3)] == ["u-1", "", ""]


def test_a_login_that_fails_tells_nobody(cloud: ScriptedCloud) -> None:
    login = PasswordLogin("svc", "wrong", "domain")
    assert own_user_id(cloud.session(credentials=login)) == ""
