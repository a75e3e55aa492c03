"""Reads what `records` holds: the simulator's ledger, and the database by the portal's own models."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.db import connection

from reinstall.models import Attempt, AuditEvent, Job, Outbox
from reinstall.models.clock import database_now
from reinstall.services import requests
from reinstall.services.verification import verify
from tests.faults.records import (
    AcceptedPost,
    AttemptRow,
    ClaimRow,
    Database,
    EventRow,
    JobRow,
    Ledger,
    MoveRow,
    Post,
)

_REINSTALL = re.compile(r"/cloudservers/([0-9a-f-]{36})/reinstallos")


def read_ledger(shown: Mapping[str, Any]) -> Ledger:
    """The answer of `GET /_sim/ledger`, the hash taken of the bytes anew."""
    posts = []
    for row in shown["requests"]:
        found = _REINSTALL.search(row["path"]) if row["method"] == "POST" else None
        if found is not None:
            posts.append(Post(_moment(row["at"]), found.group(1)))
    accepted = tuple(
        AcceptedPost(
            at=_moment(row["at"]),
            server_id=row["server_id"],
            job_id=row["job_id"],
            body_sha256=hashlib.sha256(row["body_raw"].encode()).hexdigest(),
        )
        for row in shown["accepted"]
    )
    return Ledger(tuple(posts), accepted)


def read_database(
    *, ordered: Mapping[str, str], canaries: Iterable[str] = (), texts: Mapping[str, str] | None = None
) -> Database:
    """All that is judged. `ordered`: the SHA-256 of each server's body as it was ordered, by server id."""
    canaries = tuple(canaries)
    return Database(
        now=database_now(),
        jobs=tuple(
            _job(job, ordered)
            for job in Job.objects.select_related("order__project__cloud", "project__cloud")
        ),
        attempts=tuple(
            AttemptRow(a.job_id, a.number, a.verdict, a.body_sha256, a.intent_at)
            for a in Attempt.objects.all()
        ),
        moves=tuple(_moves()),
        events=tuple(
            EventRow(str(e.pk), e.job_id, e.seq, e.delivered_at is not None) for e in Outbox.objects.all()
        ),
        claims=tuple(_claims()),
        texts={**dict(texts or {}), **(_columns() if canaries else {})},
        canaries=canaries,
        misfits=tuple(misfit.sentence for misfit in verify(now=database_now()).misfits),
    )


def _job(job: Job, ordered: Mapping[str, str]) -> JobRow:
    spec = requests.spec_of_order(job.order)
    return JobRow(
        id=job.pk,
        server_id=str(job.server_id),
        state=job.state,
        seq=job.seq,
        next_at=job.next_at,
        cloud_job_id=job.cloud_job_id,
        request_hash=job.request_hash,
        hash_now=requests.hash_of_job(job, spec),
        approved_sha256=ordered[str(job.server_id)],
    )


def _moves() -> Iterable[MoveRow]:
    for entry in AuditEvent.objects.filter(object_type="job", seq__isnull=False):
        yield MoveRow(
            job_id=int(entry.object_id),
            seq=entry.seq or 0,
            before=str(entry.before.get("state", "")),
            after=str(entry.after.get("state", "")),
            by_person=entry.source != "system",
        )


# ------------------------------------------------------------------ claims, seen by the database itself

_WATCH = {
    "sqlite": (
        "CREATE TABLE fault_claims (job bigint, before bigint, after bigint, lease text, at text)",
        "CREATE TRIGGER fault_claimed AFTER UPDATE OF fence ON reinstall_job WHEN old.fence <> new.fence "
        "BEGIN INSERT INTO fault_claims VALUES (old.id, old.fence, new.fence, old.lease_until, "
        "strftime('%Y-%m-%d %H:%M:%f', 'now')); END",
    ),
    "postgresql": (
        "CREATE TABLE fault_claims "
        "(job bigint, before bigint, after bigint, lease timestamptz, at timestamptz)",
        "CREATE FUNCTION fault_claimed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO fault_claims VALUES (old.id, old.fence, new.fence, old.lease_until, clock_timestamp()); "
        "RETURN NULL; END $$",
        "CREATE TRIGGER fault_claimed AFTER UPDATE OF fence ON reinstall_job FOR EACH ROW "
        "WHEN (old.fence IS DISTINCT FROM new.fence) EXECUTE FUNCTION fault_claimed()",
    ),
}


def watch_claims() -> None:
    """From here on the database itself writes down who takes a job from whom, whatever the code believes."""
    with connection.cursor() as cursor:
        for statement in _WATCH[connection.vendor]:
            cursor.execute(statement)


def stop_watching_claims() -> None:
    """What was written down stays. For a time when the portal's clock is not the database's."""
    table = " ON reinstall_job" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER fault_claimed{table}")


def _claims() -> Iterable[ClaimRow]:
    if "fault_claims" not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT job, before, after, lease, at FROM fault_claims")
        for job, before, after, lease, at in cursor.fetchall():
            yield ClaimRow(job, before, after, _moment(lease), _moment(at))


def _moment(value: str | datetime) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


# ------------------------------------------------------------------ where a secret must not be


def _columns() -> dict[str, str]:
    """Every column of every table but the sealed ones, as one text each."""
    return {
        f"{model._meta.db_table}.{field.column}": "\n".join(
            str(value) for value in model._default_manager.values_list(field.attname, flat=True)
        )
        for model in apps.get_app_config("reinstall").get_models()
        for field in model._meta.concrete_fields
        if not field.name.endswith("_sealed")
    }
