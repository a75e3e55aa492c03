"""Links to the next and the previous page that keep every filter."""

from django.http import HttpRequest


def links(request: HttpRequest, previous: str, following: str) -> dict[str, str]:
    """`previous` and `next` for the pager, "" where there is no such page."""
    return {"previous": _link(request, previous), "next": _link(request, following)}


def _link(request: HttpRequest, cursor: str) -> str:
    if not cursor:
        return ""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}"
