"""What the address of the server list narrows it to."""

from django.http import QueryDict

from reinstall.selectors.servers import ServerFilters

FILTERS = ("q", "status", "tag", "image", "last", "protected")


def filters_of(query: QueryDict, slug: str) -> ServerFilters:
    """What a query string of the list narrows it to, within one project or, for "", within all."""
    asked = {name: query.get(name, "").strip() for name in FILTERS}
    return ServerFilters(project=slug, ordering=query.get("ordering") or "name", **asked)
