"""The cloud's own jobs. Source: Elastic Cloud Server API reference, "Querying Job Execution Status".

Jobs cannot be listed, and are deleted a day after their end. An error of the query is no verdict on the job.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ecsclient.errors import BadAnswer, JobUnknown, NotFound, Refused, Unclear, plain
from ecsclient.fields import JsonObject, child, instant, objects, text
from ecsclient.session import CloudSession

_JOB_ID: Final = re.compile(r"[0-9a-zA-Z-]{8,64}")
_UNKNOWN_CODE: Final = "Common.0011"
# The query failed inside the cloud; the job may well exist.
_BROKEN_QUERY_CODES: Final = frozenset({"Common.0001", "Common.0021", "Common.0022", "Common.0025"})


class OtherJob(BadAnswer):
    """Asked for one job, the cloud described another."""


class JobPhase(StrEnum):
    """What a status means. `UNKNOWN` is a status nobody documents: go on asking, and tell a person."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


_PHASES: Final = {
    "INIT": JobPhase.PENDING,
    "RUNNING": JobPhase.PENDING,
    "PENDING_PAYMENT": JobPhase.PENDING,
    "SUCCESS": JobPhase.SUCCEEDED,
    "FAIL": JobPhase.FAILED,
}


@dataclass(frozen=True, slots=True)
class SubJob:
    id: str
    type: str
    status: str
    begin: datetime | None
    end: datetime | None
    error_code: str
    fail_reason: str
    server_id: str
    message: str


@dataclass(frozen=True, slots=True)
class CloudJob:
    """One job. `status` is the text the cloud sent; `server_id` is empty where the job names no server, or
    its sub-jobs name several."""

    id: str
    type: str
    status: str
    begin: datetime | None
    end: datetime | None
    error_code: str
    fail_reason: str
    server_id: str
    sub_jobs: tuple[SubJob, ...]

    @property
    def phase(self) -> JobPhase:
        return _PHASES.get(self.status, JobPhase.UNKNOWN)

    @property
    def contradicts_itself(self) -> bool:
        """Whether it says SUCCESS while a part of it failed."""
        return self.phase is JobPhase.SUCCEEDED and any(
            sub.status == "FAIL" or sub.error_code for sub in self.sub_jobs
        )

    def deepest_error(self) -> tuple[str, str]:
        """(code, reason) of the first sub-job that failed, else of the job; both may be empty.

        The outer code of a failed job is often only Common.0021, "a sub-job failed".
        """
        for sub in self.sub_jobs:
            if sub.error_code:
                return sub.error_code, sub.message or sub.fail_reason
        return self.error_code, self.fail_reason


def is_job_id(value: object) -> bool:
    """Whether `value` has the form of a job id, and is safe in a path."""
    return isinstance(value, str) and _JOB_ID.fullmatch(value) is not None


def _sub_job(entry: JsonObject) -> SubJob:
    entities = child(entry, "entities")
    return SubJob(
        id=text(entry, "job_id"),
        type=text(entry, "job_type"),
        status=text(entry, "status"),
        begin=instant(entry, "begin_time"),
        end=instant(entry, "end_time"),
        error_code=plain(text(entry, "error_code"))[:100],
        fail_reason=plain(text(entry, "fail_reason")),
        server_id=text(entities, "server_id"),
        message=plain(text(entities, "errorcode_message")),
    )


def parse_job(document: JsonObject) -> CloudJob:
    """A job document, with or without sub-jobs. Raises BadAnswer where it is none."""
    if not is_job_id(document.get("job_id")):
        raise BadAnswer("field 'job_id' of the answer should be 8 to 64 letters, digits and '-'")
    if not text(document, "status"):
        raise BadAnswer("the answer has no field 'status'")
    entities = child(document, "entities")
    subs = tuple(_sub_job(entry) for entry in objects(entities, "sub_jobs"))
    named = {sub.server_id for sub in subs if sub.server_id}
    return CloudJob(
        id=text(document, "job_id"),
        type=text(document, "job_type"),
        status=text(document, "status"),
        begin=instant(document, "begin_time"),
        end=instant(document, "end_time"),
        error_code=plain(text(document, "error_code"))[:100],
        fail_reason=plain(text(document, "fail_reason")),
        server_id=text(entities, "server_id") or (named.pop() if len(named) == 1 else ""),
        sub_jobs=subs,
    )


def get_job(session: CloudSession, job_id: str) -> CloudJob:
    """The job of that id.

    Raises JobUnknown where the cloud has no such job (any more), Unclear where the query itself failed,
    ValueError for what is no job id, and other CloudErrors as any call does.
    """
    if not is_job_id(job_id):
        raise ValueError("job_id should be 8 to 64 letters, digits and '-'")
    try:
        job = parse_job(session.get("ecs", f"/v1/{session.project_id}/jobs/{job_id}"))
    except Refused as error:
        kind = _query_error(error)
        if kind is None:
            raise
        raise kind(
            error.message,
            status=error.status,
            code=error.code,
            request_id=error.request_id,
            details=error.details,
        ) from error
    if job.id != job_id:
        raise OtherJob(f"asked for job {job_id}, the cloud described {job.id}")
    return job


def _query_error(error: Refused) -> type[JobUnknown] | type[Unclear] | None:
    if error.code == _UNKNOWN_CODE or isinstance(error, NotFound):
        return JobUnknown
    return Unclear if error.code in _BROKEN_QUERY_CODES else None
