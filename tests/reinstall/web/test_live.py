"""The stream of a job's page, as a browser reads it."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from django.contrib.auth.models import User
from django.test import AsyncRequestFactory

from reinstall.domain.actors import Actor
from reinstall.models import Job, Membership, Server
from reinstall.web import live
from tests.reinstall.conftest import placed_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(actor: Actor, server: Server) -> Job:
    return placed_job(actor, server)


async def opened(user: User, job: Job) -> AsyncIterator[str]:
    request = AsyncRequestFactory().get(f"/jobs/{job.pk}/events")
    request.user = user
    answer = await live.job_events(request, job.pk)
    assert answer["Content-Type"] == "text/event-stream"
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Accel-Buffering"] == "no"
    return answer.streaming_content  # type: ignore[return-value]


def told(chunk: str | bytes) -> dict[str, str]:
    """One event, by field."""
    text = chunk.decode() if isinstance(chunk, bytes) else chunk
    assert text.endswith("\n\n")
    return dict(line.split(": ", 1) for line in text.strip().split("\n"))


def test_a_stream_tells_the_present_state_then_the_end_and_ends(requester: User, job: Job) -> None:
    async def scenario() -> list[dict[str, str]]:
        stream = await opened(requester, job)
        events = [told(await anext(stream)), told(await anext(stream))]
        await Job.objects.filter(pk=job.pk).aupdate(
            state="cancelled", ended_at=job.created_at, seq=job.seq + 1
        )
        async for chunk in stream:
            events.append(told(chunk))
        return events

    events = asyncio.run(asyncio.wait_for(scenario(), 20))
    assert events[0] == {"retry": str(live.RETRY_MS)}
    updates = [json.loads(event["data"]) for event in events[1:]]
    assert [update["done"] for update in updates] == [False, True]
    assert updates[1]["title"].startswith("Cancelled")
    assert len({event["id"] for event in events[1:]}) == 2


def test_silence_is_broken_by_a_sign_of_life(actor: Actor, job: Job) -> None:
    async def scenario() -> dict[str, str]:
        stream = live._stream(actor, job.pk, beat=0.05)
        await anext(stream)
        await anext(stream)
        return told(await anext(stream))

    assert asyncio.run(asyncio.wait_for(scenario(), 20)) == {"event": "ping", "data": "1"}


def test_somebody_who_lost_the_right_sees_nothing_from_then_on(actor: Actor, job: Job) -> None:
    async def scenario() -> list[str]:
        stream = live._stream(actor, job.pk, beat=0.05)
        await anext(stream)
        await anext(stream)
        await Membership.objects.all().adelete()
        return [chunk async for chunk in stream]

    rest = asyncio.run(asyncio.wait_for(scenario(), 20))
    assert all("ping" in chunk for chunk in rest)
