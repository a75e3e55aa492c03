import json
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from django.utils.timezone import now

from reinstall.domain.states import JobState
from reinstall.models import Exchange, Job, Project, Server
from reinstall.selectors.live import hub
from reinstall.services import moves
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.conftest import placed_job
from tests.reinstall.rows import T0, a_job, a_person, a_server, an_actor, an_order

S = JobState


@pytest.fixture
def job(shop: Project, bob: User) -> Job:
    return a_job(an_order(shop, bob), a_server(shop, "web-1"))


def test_a_version_that_is_known_is_not_sent_again(call: Caller, job: Job):
    first = call.get(f"jobs/{job.pk}/")
    etag = first["ETag"]
    for given in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        again = call.get(f"jobs/{job.pk}/", **{"If-None-Match": given})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    assert call.get(f"jobs/{job.pk}/", **{"If-None-Match": '"x"'}).status_code == 200
    Job.objects.update(seq=2)
    assert call.get(f"jobs/{job.pk}/", **{"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("name", ["servers", "orders", "projects", "tokens", "audit"])
def test_every_single_object_has_a_version(call: Caller, job: Job, name: str):
    moves.move(job, S.PREFLIGHT, now=now())
    row = call.get(f"{name}/").json()["results"][0]
    path = f"{name}/{row.get('slug') or row['id']}/"
    etag = call.get(path)["ETag"]
    assert call.get(path, **{"If-None-Match": etag}).status_code == 304


def test_cancelling(call: Caller, job: Job):
    answer = call.post(f"jobs/{job.pk}/cancel/")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert call.post(f"jobs/{job.pk}/cancel/").status_code == 200
    job.refresh_from_db()
    assert job.state == S.CANCELLED


def test_cancelling_what_has_changed_since_is_refused(call: Caller, job: Job):
    etag = call.get(f"jobs/{job.pk}/")["ETag"]
    moves.move(job, S.PREFLIGHT, now=now())
    problem_of(call.post(f"jobs/{job.pk}/cancel/", **{"If-Match": etag}), 412)
    job.refresh_from_db()
    assert job.state == S.PREFLIGHT
    fresh = call.get(f"jobs/{job.pk}/")["ETag"]
    assert call.post(f"jobs/{job.pk}/cancel/", **{"If-Match": fresh}).status_code == 200


def test_cancelling_too_late_is_a_conflict(call: Caller, shop: Project, bob: User):
    job = a_job(an_order(shop, bob), a_server(shop), S.RUNNING)
    document = problem_of(call.post(f"jobs/{job.pk}/cancel/"), 409)
    assert document["job"] == job.pk
    job.refresh_from_db()
    assert job.state == S.RUNNING


def test_a_viewer_cannot_cancel(shop: Project, job: Job):
    problem_of(Caller(a_token(a_person("eve", shop, role="viewer"))).post(f"jobs/{job.pk}/cancel/"), 403)


def test_the_exchange_is_listed(call: Caller, job: Job):
    Exchange.objects.create(
        job=job, at=T0, last_at=T0 + timedelta(seconds=5), method="GET", path="/v1/x", status=200, times=2
    )
    [shown] = call.get(f"jobs/{job.pk}/exchange/").json()["results"]
    assert (shown["method"], shown["path"], shown["times"]) == ("GET", "/v1/x", 2)
    assert shown["at"] == "2026-01-02T03:04:05Z"


def events_of(raw: bytes) -> list[tuple[str, dict[str, object]]]:
    found = []
    for block in raw.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


@pytest.mark.django_db(transaction=True)
def test_the_stream_tells_each_change_and_ends_with_the_job(bob: User, job: Job):
    token = a_token(bob)

    async def watch() -> list[tuple[str, dict[str, object]]]:
        from asgiref.sync import sync_to_async

        answer = await AsyncClient().get(
            f"/api/v1/jobs/{job.pk}/events/",
            headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"},
        )
        assert isinstance(answer, StreamingHttpResponse)
        assert answer["Content-Type"] == "text/event-stream"
        assert (answer["Cache-Control"], answer["X-Accel-Buffering"]) == ("no-store", "no")
        seen = b""
        changes = [S.PREFLIGHT, S.CANCELLED]
        async for part in answer:
            seen += part
            if part.startswith(b"event: job") and changes:
                await sync_to_async(moves.move)(job, changes.pop(0), now=now())
                hub.changed(job.pk)
        return events_of(seen)

    told = async_to_sync(watch)()
    states = [data.get("state") for name, data in told if name == "job"]
    assert states == ["queued", "preflight", "cancelled"]
    assert told[-1] == ("end", {})


def test_the_list_can_be_narrowed_to_a_server(call: Caller, job: Job, shop: Project, bob: User):
    a_job(an_order(shop, bob), a_server(shop))
    found = call.get(f"jobs/?server={job.server_id}").json()["results"]
    assert [row["id"] for row in found] == [job.pk]
    assert found[0]["server"] == {"id": str(job.server_id), "name": "web-1"}


def test_a_job_of_the_engine_has_what_the_contract_says(requester: User, server: Server):
    job = placed_job(an_actor(requester), server)
    shown = Caller(a_token(requester)).get(f"jobs/{job.pk}/").json()
    assert {"name", "state", "started_at", "ended_at", "note"} <= set(shown["steps"][0])
    assert {"elapsed_s", "half_s", "nine_of_ten_s", "left_s"} <= set(shown["progress"])
    assert {"id", "device", "size_gb", "role", "fate", "id_after"} <= set(shown["disks"][0])
    assert (shown["order"], shown["project"], shown["failure"]) == (job.order_id, "shop-prod", None)
    assert shown["server"] == {"id": str(server.pk), "name": server.name}
