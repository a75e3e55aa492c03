"""What the address of the server list asks for: filters, order, columns and how close the rows stand."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from django.http import HttpRequest, QueryDict

from reinstall.domain.looks import LOOKS
from reinstall.selectors.images import image_names
from reinstall.selectors.server_rows import STATES
from reinstall.selectors.servers import ServerFilters
from reinstall.selectors.views import saved_views
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.server_filters import FILTERS, filters_of

#: What a saved view keeps, besides the project.
KEPT = (*FILTERS, "ordering", "col", "shown", "density")
COLUMNS = (
    ("zone", "Zone"),
    ("flavor", "Flavor"),
    ("keyname", "Key pair"),
    ("created", "Created"),
    ("seen", "Last seen"),
)
#: Column -> name of the ordering it stands for.
SORTED = {"name": "name", "state": "status", "image": "image", "flavor": "flavor", "seen": "seen_at"}
ORDERINGS = (
    ("name", "Name"),
    ("-name", "Name, Z first"),
    ("status", "State"),
    ("image", "Image"),
    ("flavor", "Flavor"),
    ("-seen_at", "Last seen, newest first"),
    ("seen_at", "Last seen, oldest first"),
)
STATE_WORDS = tuple((state, LOOKS["server"][state].word) for state in STATES)
LAST_WORDS = (
    ("never", "Never from here"),
    ("failed", "Failed"),
    (">30d", "Over 30 days ago"),
    (">90d", "Over 90 days ago"),
    (">180d", "Over 180 days ago"),
)
PROTECTED_WORDS = (("yes", "Yes"), ("no", "No"))
PAGE = "servers"
#: Tabs everybody has: words, filter.
READY_MADE: tuple[tuple[str, dict[str, str]], ...] = (
    ("All", {}),
    ("Failed last time", {"last": "failed"}),
    ("Never reinstalled", {"last": "never"}),
    ("Protected", {"protected": "yes"}),
)
_SESSION = "servers_shown"


@dataclass(frozen=True, slots=True)
class Shown:
    """Which optional columns a person wants, and "cosy" or "compact"."""

    columns: tuple[str, ...] = ()
    density: str = "cosy"


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column: its words, where a click leads ("" where it does not sort), and aria-sort."""

    words: str
    link: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter as a menu: name of its parameter, words, what can be chosen, what is, in words."""

    name: str
    words: str
    choices: tuple[tuple[str, str], ...]
    value: str
    said: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A list one click away. id: of a view the person keeps, 0 for those everybody has."""

    id: int
    name: str
    query: str
    current: bool = False


def asked_filters(request: HttpRequest) -> ServerFilters:
    """The filters in the address, within the chosen project."""
    if "project" in request.GET:
        scope.choose(request, request.GET["project"])
    project = scope.current_project(request, scope.projects_of(request, actor_of(request)))
    return filters_of(request.GET, project.slug if project else "")


def asked_columns(request: HttpRequest) -> Shown:
    """Columns and density: of the address where it says so (kept for the session then), else as last time."""
    if "shown" not in request.GET:
        kept = request.session.get(_SESSION) or {}
        return Shown(tuple(kept.get("columns", ())), kept.get("density", "cosy"))
    asked = request.GET.getlist("col")
    columns = tuple(name for name, _ in COLUMNS if name in asked)
    density = "compact" if request.GET.get("density") == "compact" else "cosy"
    kept = {"columns": list(columns), "density": density}
    if request.session.get(_SESSION) != kept:
        request.session[_SESSION] = kept
    return Shown(columns, density)


def is_filtered(filters: ServerFilters) -> bool:
    """Whether anything besides the project narrows the list."""
    return any(getattr(filters, name) for name in FILTERS)


def look_of_list(request: HttpRequest, filters: ServerFilters, shown: Shown) -> dict[str, object]:
    """What the page shows above and at the head of the table."""
    query, heads = kept_query(request.GET), headings(request, filters)
    return {
        "chips": chips(request, filters),
        "orderings": ORDERINGS,
        "columns": tuple((name, words, name in shown.columns) for name, words in COLUMNS),
        "shown": shown,
        "headings": heads,
        "heads": tuple(heads[name] for name in shown.columns),
        "without_tag": _without_tag(request),
        "query": query,
        "tabs": _tabs(request, query),
    }


def _without_tag(request: HttpRequest) -> str:
    query = _plain(request.GET)
    query.pop("tag", None)
    return f"?{urlencode(query, doseq=True)}"


def _tabs(request: HttpRequest, query: str) -> tuple[Tab, ...]:
    """The whole list, three that many want, and the person's own; at most one is current."""
    within = {"project": request.GET["project"]} if request.GET.get("project") else {}
    found = [Tab(0, words, urlencode(within | said)) for words, said in READY_MADE]
    found += [Tab(view.id, view.name, view.query) for view in saved_views(actor_of(request), PAGE)]
    asked = _narrowing(query)
    current = next((tab for tab in reversed(found) if _narrowing(tab.query) == asked), None)
    return tuple(replace(tab, current=tab is current) for tab in found)


def _narrowing(query: str) -> dict[str, list[str]]:
    """What of a view narrows the list: order and columns make no other one of it."""
    said = parse_qs(query)
    return {name: said[name] for name in ("project", *FILTERS) if name in said}


def chips(request: HttpRequest, filters: ServerFilters) -> tuple[Chip, ...]:
    """The menus above the list; that of projects where there is more than one."""
    actor = actor_of(request)
    projects = tuple((p.slug, p.name) for p in scope.projects_of(request, actor))
    images = tuple((name, name) for name in image_names(actor, filters.project, also=filters.image))
    found = [
        _chip("status", "Status", STATE_WORDS, filters.status),
        _chip("image", "Image", images, filters.image),
        _chip("last", "Last reinstall", LAST_WORDS, filters.last),
        _chip("protected", "Protected", PROTECTED_WORDS, filters.protected),
    ]
    if len(projects) > 1:
        found.insert(1, _chip("project", "Project", projects, filters.project))
    return tuple(chip for chip in found if chip.choices)


def _chip(name: str, words: str, choices: tuple[tuple[str, str], ...], value: str) -> Chip:
    return Chip(name, words, choices, value, dict(choices).get(value, value))


def headings(request: HttpRequest, filters: ServerFilters) -> dict[str, Heading]:
    """Column -> its head, for all columns that sort."""
    words = dict((*COLUMNS, ("name", "Name"), ("state", "State"), ("image", "Image")))
    return {
        column: Heading(words[column], *_sorting(request, filters.ordering, ordering))
        for column, ordering in SORTED.items()
    } | {name: Heading(said) for name, said in COLUMNS if name not in SORTED}


def _sorting(request: HttpRequest, current: str, ordering: str) -> tuple[str, str]:
    """(address that sorts by `ordering`, or the other way round; aria-sort)."""
    sort = {ordering: "ascending", f"-{ordering}": "descending"}.get(current, "")
    query = _plain(request.GET)
    query["ordering"] = f"-{ordering}" if sort == "ascending" else ordering
    return f"?{urlencode(query, doseq=True)}", sort


def kept_query(given: QueryDict) -> str:
    """The query string of a view: what is known and said, in one order, so that two can be compared."""
    found = _plain(given)
    return urlencode({name: found[name] for name in ("project", *KEPT) if name in found}, doseq=True)


def _plain(given: QueryDict) -> dict[str, str | list[str]]:
    """The parameters that say something; a position in the list is left out."""
    known = ("project", *KEPT)
    found: dict[str, str | list[str]] = {}
    for name in given:
        values = [text for text in given.getlist(name) if text]
        if name in known and values:
            found[name] = sorted(values) if name == "col" else values[-1]
    if found.get("ordering") == "name":
        del found["ordering"]
    return found
