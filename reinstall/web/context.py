"""What every page shows around its content: the project, the counts, the version."""

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from reinstall.models import Environment, Project
from reinstall.selectors.approvals import to_decide
from reinstall.selectors.guards import Guard, active_guards, title_of
from reinstall.selectors.projects import NavCounts, nav_counts
from reinstall.web.actors import actor_of, manages
from reinstall.web.scope import current_project, projects_of


@dataclass(frozen=True, slots=True)
class ProjectTag:
    """A project as the scope switcher shows it."""

    slug: str
    name: str
    environment: str
    cloud_title: str
    synced_at: object
    sync_error: str

    @classmethod
    def of(cls, project: Project) -> "ProjectTag":
        cloud = f"{project.cloud.profile.upper()} {project.cloud.region}"
        return cls(
            project.slug, project.name, project.environment, cloud, project.synced_at, project.sync_error
        )


class Portal:
    """Read lazily: a page that shows none of it costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def _signed_in(self) -> bool:
        user = getattr(self._request, "user", None)
        return user is not None and user.is_authenticated

    @cached_property
    def _projects(self) -> tuple[Project, ...]:
        return projects_of(self._request, actor_of(self._request)) if self._signed_in else ()

    @cached_property
    def _project(self) -> Project | None:
        return current_project(self._request, self._projects) if self._projects else None

    @cached_property
    def projects(self) -> tuple[ProjectTag, ...]:
        return tuple(ProjectTag.of(project) for project in self._projects)

    @cached_property
    def project(self) -> ProjectTag | None:
        return ProjectTag.of(self._project) if self._project else None

    @cached_property
    def simulated(self) -> bool:
        """Nothing on this page can reach a real cloud."""
        shown = (self._project,) if self._project else self._projects
        return bool(shown) and all(project.environment == Environment.SIMULATOR for project in shown)

    @cached_property
    def counts(self) -> NavCounts:
        if not self._signed_in:
            return NavCounts(0, 0, 0)
        return nav_counts(actor_of(self._request), self._project)

    @cached_property
    def approvals(self) -> int:
        """How many orders wait for this person to agree or decline."""
        return to_decide(actor_of(self._request), self._project) if self._signed_in else 0

    @cached_property
    def guards(self) -> tuple[tuple[str, Guard], ...]:
        """What holds the engine at present, for the banner: (title, guard), the most serious first."""
        if not self._signed_in:
            return ()
        return tuple((title_of(guard), guard) for guard in active_guards())

    @cached_property
    def manages(self) -> bool:
        """Whether the person may open the pages under /manage/."""
        return self._signed_in and manages(self._request)

    @property
    def leads_to_health(self) -> bool:
        """Whether a banner names the page where one can do something about it: not on that page itself."""
        return self.manages and not self._request.path.startswith(reverse("health"))

    @property
    def request_id(self) -> str:
        return str(self._request.META.get("ecsportal.request_id", ""))

    @property
    def version(self) -> str:
        return str(settings.VERSION)


def portal(request: HttpRequest) -> dict[str, object]:
    """Context processor: `portal` in every template that is rendered with a request."""
    return {"portal": Portal(request)}
