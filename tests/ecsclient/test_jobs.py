"""Jobs of the cloud, in every published shape."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ecsclient.errors import AuthRefused, BadAnswer, CloudError, JobUnknown, Throttled, Unclear
from ecsclient.jobs import CloudJob, JobPhase, SubJob, get_job, is_job_id, parse_job
from tests.ecsclient.documents import EXAMPLES
from tests.ecsclient.scriptedcloud import PROJECT, Reply, ScriptedCloud

JOB = "ff80808288d41e1b018990260955686a"
PATH = f"/v1/{PROJECT}/jobs/{JOB}"
WEB = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("example", "phase", "subs", "server"),
    [
        ("job_init", JobPhase.PENDING, 0, ""),
        ("job_running", JobPhase.PENDING, 0, WEB),
        ("job_success_flat", JobPhase.SUCCEEDED, 0, WEB),
        ("job_success_with_sub", JobPhase.SUCCEEDED, 1, WEB),
        ("job_fail_flat", JobPhase.FAILED, 0, WEB),
        ("job_fail_with_sub", JobPhase.FAILED, 1, WEB),
    ],
)
def test_every_published_job(
    cloud: ScriptedCloud, example: str, phase: JobPhase, subs: int, server: str
) -> None:
    cloud.example(example)
    job = get_job(cloud.session(), JOB)
    assert (job.id, job.type, job.phase, len(job.sub_jobs)) == (JOB, "reInitOs", phase, subs)
    assert job.server_id == server
    assert job.begin == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert (job.end is None) == (phase is JobPhase.PENDING)


def test_a_failed_job_field_by_field(cloud: ScriptedCloud) -> None:
    cloud.example("job_fail_with_sub")
    job = get_job(cloud.session(), JOB)
    assert job == CloudJob(
        id=JOB,
        type="reInitOs",
        status="FAIL",
        begin=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        end=datetime(2026, 1, 2, 3, 9, 12, 4000, tzinfo=UTC),
        error_code="Common.0021",
        fail_reason="SubJob fail!",
        server_id=WEB,
        sub_jobs=(
            SubJob(
                id="ff80808288d41e1b018990260955687b",
                type="reInitOsSingle",
                status="FAIL",
                begin=datetime(2026, 1, 2, 3, 4, 6, 1000, tzinfo=UTC),
                end=datetime(2026, 1, 2, 3, 9, 11, 900000, tzinfo=UTC),
                error_code="Ecs.0202",
                fail_reason="create system volume fail",
                server_id=WEB,
                message="Failed to create the system disk.",
            ),
        ),
    )
    assert job.deepest_error() == ("Ecs.0202", "Failed to create the system disk.")


def test_the_error_of_a_job_without_sub_jobs() -> None:
    job = parse_job(EXAMPLES["job_fail_flat"].payload)
    assert job.deepest_error() == ("Ecs.0314", "call fsp to query keypair fail")
    assert parse_job(EXAMPLES["job_success_flat"].payload).deepest_error() == ("", "")


@pytest.mark.parametrize("status", ["PAUSED", "success", "SUCCESSFUL", "FAILED"])
def test_a_status_nobody_documents_is_no_verdict(status: str) -> None:
    job = parse_job({"job_id": JOB, "status": status})
    assert (job.phase, job.status) == (JobPhase.UNKNOWN, status)


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (Reply(400, EXAMPLES["job_expired"].payload), JobUnknown, "Common.0011"),
        (Reply(404, EXAMPLES["err_nova_404"].payload), JobUnknown, "404"),
        (Reply(200, EXAMPLES["job_query_error_200"].payload), Unclear, "Common.0025"),
        (Reply(400, EXAMPLES["job_query_error_200"].payload), Unclear, "Common.0025"),
        (Reply(400, {"error": {"code": "Common.0021", "message": "m"}}), Unclear, "Common.0021"),
        (Reply(500, EXAMPLES["err_internal"].payload), Unclear, "Common.0001"),
        (Reply(401, EXAMPLES["err_aksk"].payload), AuthRefused, "APIGW.0301"),
        (Reply(429, EXAMPLES["err_throttle_gw"].payload), Throttled, "APIGW.0308"),
    ],
)
def test_an_error_of_the_query_is_no_verdict_on_the_job(
    cloud: ScriptedCloud, reply: Reply, kind: type[CloudError], code: str
) -> None:
    cloud.on(PATH, reply)
    with pytest.raises(CloudError) as caught:
        get_job(cloud.session(), JOB)
    assert type(caught.value) is kind
    assert caught.value.code == code


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"status": "SUCCESS"},
        {"job_id": JOB},
        {"job_id": JOB, "status": ""},
        {"job_id": JOB, "status": 1},
        {"job_id": 7, "status": "SUCCESS"},
        {"job_id": "../x", "status": "SUCCESS"},
        {"job_id": "0" * 32, "status": "SUCCESS"},
        {"job_id": JOB, "status": "SUCCESS", "entities": []},
        {"job_id": JOB, "status": "SUCCESS", "entities": {"sub_jobs": {"a": 1}}},
    ],
)
def test_what_is_no_job_or_another_job(cloud: ScriptedCloud, payload: dict[str, Any]) -> None:
    cloud.on(PATH, Reply(200, payload))
    with pytest.raises(BadAnswer):
        get_job(cloud.session(), JOB)


@pytest.mark.parametrize(
    "job_id", ["", "short", "../../../x", "a" * 65, "ff80808288d4/", "ff80808288d4\n", "é" * 9]
)
def test_a_job_id_is_checked_before_it_becomes_a_path(cloud: ScriptedCloud, job_id: str) -> None:
    assert not is_job_id(job_id)
    with pytest.raises(ValueError, match="job_id"):
        get_job(cloud.session(), job_id)
    assert cloud.asked == []


def test_sub_jobs_of_several_servers_name_no_single_one() -> None:
    subs: list[Any] = [{"entities": {"server_id": "a"}}, {"entities": {"server_id": "b"}}]
    job = parse_job({"job_id": JOB, "status": "RUNNING", "entities": {"sub_jobs": subs}})
    assert job.server_id == ""
