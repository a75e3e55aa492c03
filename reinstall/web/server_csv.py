"""The servers of exactly one filter as a CSV file, sent page by page: nobody holds all rows at once."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from reinstall.domain.csvcells import cell
from reinstall.selectors.pages import MAX_LIMIT, Page
from reinstall.selectors.server_rows import ServerRow
from reinstall.selectors.servers import server_page
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.server_lists import asked_filters

#: Name of a column -> its value; the names are those of REST.
COLUMNS: dict[str, Callable[[ServerRow], Any]] = {
    "id": lambda row: str(row.id),
    "name": lambda row: row.name,
    "project": lambda row: row.project_slug,
    "environment": lambda row: row.project_environment,
    "state": lambda row: row.state,
    "status": lambda row: row.status,
    "image": lambda row: row.image_name,
    "image_state": lambda row: row.image_state,
    "flavor": lambda row: row.flavor,
    "zone": lambda row: row.zone,
    "keyname": lambda row: row.keyname,
    "system_gb": lambda row: row.system_gb,
    "data_disks": lambda row: row.data_disks,
    "address": lambda row: row.address,
    "tags": lambda row: list(row.tags),
    "created_at": lambda row: row.created_at,
    "seen_at": lambda row: row.seen_at,
    "last_job_id": lambda row: row.last_job and row.last_job.id,
    "last_job_state": lambda row: row.last_job and row.last_job.state,
    "last_job_at": lambda row: row.last_job and row.last_job.when,
    "why_not": lambda row: row.why_not,
}


@require_GET
@translated
def server_csv(request: HttpRequest) -> HttpResponse:
    """Every server the filter in the address leaves, in its order."""
    actor, filters = actor_of(request), asked_filters(request)

    def read(cursor: str) -> Page[ServerRow]:
        return server_page(actor, filters, cursor=cursor, limit=MAX_LIMIT)

    # The first page is read here: a wrong filter is refused before anything has been sent.
    answer = StreamingHttpResponse(_lines(read, read("")), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="servers.csv"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer  # type: ignore[return-value]


async def _lines(read: Callable[[str], Page[ServerRow]], page: Page[ServerRow]) -> AsyncIterator[str]:
    yield _written([tuple(COLUMNS)])
    yield _written(_cells(row) for row in page.items)
    while page.next:
        # In the thread of the request, which has its database connection.
        page = await sync_to_async(read)(page.next)
        yield _written(_cells(row) for row in page.items)


def _cells(row: ServerRow) -> tuple[str, ...]:
    return tuple(cell(value(row)) for value in COLUMNS.values())


def _written(rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
