"""Which project a page is about: the one of the thing shown, else the one the person chose."""

from django.http import HttpRequest

from reinstall.domain.actors import Actor
from reinstall.models import Project
from reinstall.selectors.projects import visible_projects

CHOSEN = "project"
_SHOWN = "ecsportal.shown_project"


def choose(request: HttpRequest, slug: str) -> None:
    """Keeps the choice for this session; "" is all projects."""
    if request.session.get(CHOSEN) != slug:
        request.session[CHOSEN] = slug


def show(request: HttpRequest, slug: str) -> None:
    """The page is about this project, whatever was chosen: acting in the wrong one is the worst mistake."""
    request.META[_SHOWN] = slug


def current_project(request: HttpRequest, projects: tuple[Project, ...]) -> Project | None:
    """The project of this page among those the person may see; None is all of them."""
    slug = request.META.get(_SHOWN) or request.session.get(CHOSEN)
    if slug is None and len(projects) == 1:
        return projects[0]
    return next((project for project in projects if project.slug == slug), None)


def projects_of(request: HttpRequest, actor: Actor) -> tuple[Project, ...]:
    """The projects the person may see, read once per request."""
    known: tuple[Project, ...] | None = request.META.get("ecsportal.projects")
    if known is None:
        known = tuple(visible_projects(actor))
        request.META["ecsportal.projects"] = known
    return known
