"""REST: the changes of one job as server-sent events."""

from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from reinstall.api.authentication import actor_of
from reinstall.api.documentation import describes
from reinstall.api.job_shapes import JobShape
from reinstall.api.shapes import shaper
from reinstall.api.views import ApiView
from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.selectors import jobs
from reinstall.selectors.live import hub

#: A comment is sent after so many seconds of silence, so that proxies and clients know the stream lives.
BEAT_S = 15.0
_EXAMPLE = (
    'event: job\nid: 12\ndata: {"id": 2210, "state": "succeeded", "ended_at": "2026-01-02T03:07:41Z"}\n\n'
    "event: end\ndata: {}\n\n"
)
_STREAM = {
    (200, "text/event-stream"): OpenApiResponse(
        OpenApiTypes.STR,
        description="Event `job` with the job as JSON, at once and after each change; `end` at the end.",
        examples=[
            OpenApiExample("stream", value=_EXAMPLE, media_type="text/event-stream", status_codes=["200"])
        ],
    )
}


class JobEvents(ApiView):
    """The job now, then each time it changes, until it has ended."""

    @describes(
        "watch_job", "Changes of a job as server-sent events", None, problems=(404,), also=_STREAM, good=None
    )
    def get(self, request: Request, job_id: int) -> StreamingHttpResponse:
        actor = actor_of(request)
        jobs.job_version(actor, job_id)
        connection.close()
        answer = StreamingHttpResponse(_events(actor, job_id), content_type="text/event-stream")
        answer["Cache-Control"] = "no-store"
        answer["X-Accel-Buffering"] = "no"
        return answer


async def _events(actor: Actor, job_id: int) -> AsyncIterator[bytes]:
    async for stamp in hub.watch(job_id, beat=BEAT_S):
        if stamp is None:
            yield b": still here\n\n"
            continue
        try:
            shown, done = await sync_to_async(_shown)(actor, job_id)
        except NotFound:
            # The right to see it was taken away while they watched.
            return
        yield b"event: job\nid: %s\ndata: %s\n\n" % (stamp.encode(), shown)
        if done:
            yield b"event: end\ndata: {}\n\n"
            return


def _shown(actor: Actor, job_id: int) -> tuple[bytes, bool]:
    """The job as one line of JSON, and whether it has ended. The connection is given back at once."""
    try:
        view = jobs.get_job(actor, job_id, now=timezone.now())
        return JSONRenderer().render(shaper(JobShape)(view)), view.done
    finally:
        connection.close()
