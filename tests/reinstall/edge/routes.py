"""Every address of the portal, as the URL resolver knows it: a route that is added is in every test below."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

#: `(?P<url>.*)$`, `^v1/` and other patterns that are no `<kind:name>`; what is put in their place.
_EXPRESSIONS = {r"(?P<url>.*)$": "nothing-here", "^v1/": "v1/nothing-here/"}
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One address: `name` is unique, `path` has its parameters as `<name>`."""

    name: str
    path: str
    view: Any

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.path))

    @property
    def is_rest(self) -> bool:
        return self.path.startswith("/api/v1/")

    @property
    def is_admin(self) -> bool:
        return self.path.startswith("/admin/")

    def address(self, values: dict[str, object]) -> str:
        return _PARAMETER.sub(lambda found: str(values[found.group(1)]), self.path)


def routes() -> list[Route]:
    """Every route; several under one name are told apart by their path."""
    found = list(_below(get_resolver(), "/", ""))
    names = [name for name, _, _ in found]
    return [
        Route(name if name and names.count(name) == 1 else f"{name} {path}".strip(), path, view)
        for name, path, view in found
    ]


def _below(parent: URLResolver, path: str, space: str) -> Iterator[tuple[str, str, Any]]:
    for pattern in parent.url_patterns:
        here = path + _EXPRESSIONS.get(str(pattern.pattern), str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, (space, pattern.namespace)))
            yield from _below(pattern, here, inner)
        elif isinstance(pattern, URLPattern):
            name = ":".join((space, pattern.name)) if space and pattern.name else pattern.name or ""
            yield name, here, pattern.callback


def by_name() -> dict[str, Route]:
    found = routes()
    names = {route.name: route for route in found}
    assert len(names) == len(found), [
        name for name, group in itertools.groupby(sorted(r.name for r in found)) if len(list(group)) > 1
    ]
    return names
