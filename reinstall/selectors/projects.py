"""Projects as an actor may see them, and what they may do there."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.domain.roles import PEOPLE_ONLY, READS_SCRIPTS, Right, roles_with
from reinstall.domain.states import ACTIVE, UNCLEAR, JobState
from reinstall.models import Environment, Job, Membership, Project, Server
from reinstall.selectors.pages import Ordering, Page, capped_count, page_of

#: Neither at an end nor unclear.
GOING_ON = ACTIVE - UNCLEAR
#: The same, without what waits for somebody to agree first.
_BY_ITSELF = GOING_ON - {JobState.AWAITING_APPROVAL}
_COUNT_CAP = 1_000

M = TypeVar("M", bound=Model)
R = TypeVar("R", bound=Any)


@dataclass(frozen=True, slots=True)
class NavCounts:
    """Numbers beside the entries of the navigation; each stops at 1,001, which means "over 1,000"."""

    servers: int
    running: int
    attention: int


def visible_projects(actor: Actor) -> QuerySet[Project, Project]:
    """The projects the actor may see, by name, each with its cloud."""
    return Project.objects.visible_to(actor).select_related("cloud").order_by("name", "id")


def project_page(
    actor: Actor, *, q: str = "", environment: str = "", cursor: str = "", limit: int = 50
) -> Page[Project]:
    """Projects by name."""
    rows = visible_projects(actor)
    for word in q.split():
        rows = rows.filter(Q(name__icontains=word) | Q(slug__icontains=word))
    if environment:
        rows = rows.filter(environment=environment)
    return page_of(rows, Ordering("name", ("name", "id")), cursor=cursor, limit=limit, build=tuple)


def get_project(actor: Actor, slug: str) -> Project:
    """One project. Raises NotFound, also when it is not theirs."""
    project = visible_projects(actor).filter(slug=slug).first()
    if project is None:
        raise NotFound(f"There is no project {slug}.")
    return project


def nav_counts(actor: Actor, project: Project | None = None) -> NavCounts:
    """Servers, running jobs and jobs that need a look, in `project` or in all that are visible."""
    servers = Server.objects.filter(gone_at=None)
    jobs = Job.objects.all()
    if project is not None:
        servers, jobs = servers.filter(project=project), jobs.filter(project=project)
    else:
        visible = Project.objects.visible_to(actor).values("pk")
        servers, jobs = servers.filter(project__in=visible), jobs.filter(project__in=visible)
    return NavCounts(
        servers=capped_count(servers, _COUNT_CAP),
        running=capped_count(jobs.filter(state__in=sorted(_BY_ITSELF)), _COUNT_CAP),
        attention=capped_count(needing_a_look(jobs), _COUNT_CAP),
    )


def in_projects(rows: QuerySet[M, R], actor: Actor, slug: str = "") -> QuerySet[M, R]:
    """Of `rows`, those in projects the actor may see, or in the one named `slug`.

    For lists in an order of their own: said as "one of these projects", databases gather all rows and sort
    them. Said as one project, as a question about each row, or not at all, they read along the order's index.
    """
    visible = Project.objects.visible_to(actor)
    if slug:
        return rows.filter(project=visible.filter(slug=slug).values("pk")[:1])
    if actor.sees_all and actor.only_projects is None:
        return rows
    return rows.filter(Exists(visible.filter(pk=OuterRef("project"))))


def needing_a_look(jobs: QuerySet[Job, Job]) -> QuerySet[Job, Job]:
    """Unclear jobs, and failed ones whose server nobody has reinstalled since and which still exists.

    `handled_at` spares the question for failed jobs of long ago; those without it are asked about one by one.
    """
    later = Job.objects.filter(server=OuterRef("server"), created_at__gt=OuterRef("created_at"))
    looked_for = sorted({*UNCLEAR, JobState.FAILED})
    return jobs.filter(
        Q(state__in=sorted(UNCLEAR)) | (Q(server__gone_at=None) & ~Exists(later)),
        state__in=looked_for,
        handled_at=None,
    )


def only_simulated() -> bool:
    """Whether the portal holds projects, and no real one: for the sign-in page, where nobody is known yet."""
    environments = set(Project.objects.order_by().values_list("environment", flat=True).distinct())
    return environments == {Environment.SIMULATOR}


def requestable_ids(actor: Actor) -> frozenset[int] | None:
    """Keys of the projects in which the actor may ask for a reinstall; None means all they can see."""
    return ids_with(actor, Right.REQUEST)


def ids_with(actor: Actor, right: Right) -> frozenset[int] | None:
    """Keys of the projects in which the actor has `right`; None means all they can see."""
    if actor.scopes is not None and ("request" not in actor.scopes or right in PEOPLE_ONLY):
        return frozenset()
    if actor.sees_all:
        return None
    if actor.user_id is None:
        return frozenset()
    mine = Membership.objects.filter(user_id=actor.user_id, role__in=roles_with(right))
    return frozenset(mine.values_list("project_id", flat=True))


def may_request(actor: Actor, project: Project) -> bool:
    """Whether the actor may wipe servers in `project`."""
    return may(actor, project, Right.REQUEST)


def may(actor: Actor, project: Project, right: Right) -> bool:
    """Whether the actor has `right` in `project`, which they see."""
    allowed = ids_with(actor, right)
    return allowed is None or project.pk in allowed


def may_be_shown_scripts(actor: Actor, project: str) -> bool:
    """Whether the actor, a person, may be shown the first-boot scripts of `project`, which they see."""
    if actor.scopes is not None or actor.sees_all or actor.user_id is None:
        return actor.scopes is None and actor.sees_all
    roles = {role for right in READS_SCRIPTS for role in roles_with(right)}
    mine = Membership.objects.filter(user_id=actor.user_id, project__slug=project, role__in=sorted(roles))
    return mine.exists()
