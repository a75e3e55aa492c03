"""The live stream of one job, and the same update for pages that poll."""

from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.selectors.jobs import job_version
from reinstall.selectors.live import hub
from reinstall.web.actors import actor_of
from reinstall.web.errors import Missing, translated
from reinstall.web.job_update import Update, update_of

#: A sign of life; pages call themselves "not live" ten seconds after one is missed.
BEAT_S = 15.0
#: What a browser waits before it connects again, in ms.
RETRY_MS = 2000


@require_GET
@translated
def job_fragment(request: HttpRequest, job_id: int) -> HttpResponse:
    """The present state of the job's page, for browsers whose stream does not get through."""
    actor = actor_of(request)
    update = update_of(actor, job_id, job_version(actor, job_id))
    response = HttpResponse(update.text, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


@require_GET
async def job_events(request: HttpRequest, job_id: int) -> StreamingHttpResponse:
    """Server-sent events: `fragment` with each change, `ping` in between; ends with the job."""
    actor = actor_of(request)
    try:
        await sync_to_async(_granted)(actor, job_id)
    except NotFound as error:
        raise Missing(str(error)) from error
    response = StreamingHttpResponse(_stream(actor, job_id), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _stream(actor: Actor, job_id: int, *, beat: float = BEAT_S) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    async for stamp in hub.watch(job_id, beat=beat):
        try:
            # Asked again each time: somebody who lost the right to look sees nothing from then on.
            await sync_to_async(_granted)(actor, job_id)
        except NotFound:
            return
        if stamp is None:
            yield "event: ping\ndata: 1\n\n"
            continue
        update = await sync_to_async(_rendered)(actor, job_id, stamp)
        yield f"id: {update.stamp}\nevent: fragment\ndata: {update.text}\n\n"
        if update.done:
            return


def _granted(actor: Actor, job_id: int) -> None:
    """Raises NotFound when the actor may not see the job. A waiting stream holds no database connection."""
    try:
        job_version(actor, job_id)
    finally:
        connection.close()


def _rendered(actor: Actor, job_id: int, stamp: str) -> Update:
    try:
        return update_of(actor, job_id, stamp)
    finally:
        connection.close()
