"""What the audit service saw: who called what on which server, and what the service answered.

Source: Cloud Trace Service API reference, "Querying a Trace List" (GET /v3/{project_id}/traces): seven days,
at most 200 a page. A record appears some time after the call, an asynchronous call has a second one at its
end, and nothing promises that a record comes at all: absence proves nothing by itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, cast

from ecsclient.errors import BadAnswer, parse_error, plain
from ecsclient.fields import JsonObject, JsonValue, child, instant, objects, text
from ecsclient.jobs import is_job_id
from ecsclient.session import CloudSession

#: As far back as the service keeps records, and as wide as one query may be.
KEPT: Final = timedelta(days=7)
_PAGE: Final = 200
_MOST_PAGES: Final = 5
_NEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """One record. `at` is when the operation happened; `began` when the job began that a record of its end
    tells of. `job_id` is empty where the answer holds none. `error_code` is that of a refusal."""

    id: str
    name: str
    resource_id: str
    user_id: str
    user_name: str
    access_key: str
    source_ip: str
    code: str
    at: datetime
    request_id: str
    job_id: str
    began: datetime | None
    error_code: str
    error_message: str

    @property
    def was_refused(self) -> bool:
        """Whether the record says that the service said no."""
        return not self.job_id and (bool(self.error_code) or not self.code.startswith("2"))


def _inside(source: JsonObject, key: str) -> JsonObject:
    """An object; also one that stands there as a JSON text, as some services write it. Else an empty one."""
    value: JsonValue = source.get(key)
    if isinstance(value, str):
        try:
            value = cast(JsonValue, json.loads(value))
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _moment(source: JsonObject, key: str) -> datetime | None:
    """Milliseconds since 1970, as number or digits."""
    value = source.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _when(source: JsonObject, key: str) -> datetime | None:
    try:
        return instant(source, key)
    except BadAnswer:
        return None


def _word(source: JsonObject, key: str, limit: int = 200) -> str:
    value = source.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return plain(value)[:limit] if isinstance(value, str) else ""


def parse_trace(entry: JsonObject) -> TraceRecord:
    """A record. Raises BadAnswer where it has no id, name or time."""
    at = _moment(entry, "time")
    if at is None or not text(entry, "trace_id") or not text(entry, "trace_name"):
        raise BadAnswer("a trace of the answer has no 'trace_id', 'trace_name' or 'time'")
    user, response = _inside(entry, "user"), _inside(entry, "response")
    job_id = response.get("job_id")
    failed = parse_error(0, "", json.dumps(response).encode())
    code = _word(entry, "code", 20)
    is_refusal = not is_job_id(job_id) and bool(failed.details)
    return TraceRecord(
        id=_word(entry, "trace_id"),
        name=_word(entry, "trace_name"),
        resource_id=_word(entry, "resource_id"),
        user_id=_word(user, "id"),
        user_name=_word(user, "name"),
        access_key=_word(user, "access_key_id"),
        source_ip=_word(entry, "source_ip", 64),
        code=code or "200",
        at=at,
        request_id=_word(entry, "request_id"),
        job_id=job_id if isinstance(job_id, str) and is_job_id(job_id) else "",
        began=_when(response, "begin_time"),
        error_code=failed.code[:80] if is_refusal else "",
        error_message=failed.message[:500] if is_refusal else "",
    )


def list_traces(
    session: CloudSession, *, since: datetime, resource_id: str = "", limit: int = _PAGE
) -> Iterator[TraceRecord]:
    """The records of the compute service from `since` on, each once, newest first; of one server where its id
    is given. At most five pages. Raises CloudError; a record that cannot be read is BadAnswer."""
    start = int(since.timestamp() * 1000)
    params: dict[str, str | int] = {
        "trace_type": "system",
        "service_type": "ECS",
        "limit": min(limit, _PAGE),
        # Both or neither, the page says. The end lies ahead: the service's clock may be.
        "from": start,
        "to": start + int(KEPT.total_seconds() * 1000),
    }
    if resource_id:
        params["resource_id"] = resource_id
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        answer = session.get("cts", f"/v3/{session.project_id}/traces", params)
        if answer.get("traces") is None:
            raise BadAnswer("the answer has no field 'traces'")
        records = [parse_trace(entry) for entry in objects(answer, "traces")]
        new = [record for record in records if record.id not in seen]
        for record in new:
            if record.id not in seen:
                seen.add(record.id)
                yield record
        marker = _word(child(answer, "meta_data"), "marker")
        if not new or not marker or len(records) < min(limit, _PAGE):
            return
        params["next"] = marker


def newest_trace(session: CloudSession, *, since: datetime) -> datetime | None:
    """The latest time among the first records of the project since then; None where there is none. One call.

    Several are read: nothing promises that the newest record comes first.
    """
    first = islice(list_traces(session, since=since, limit=_NEWEST), _NEWEST)
    return max((record.at for record in first), default=None)
