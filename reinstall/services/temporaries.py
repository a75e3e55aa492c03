"""Reads which reinstalls go on, so that their helper servers are known for what they are."""

from datetime import datetime

from django.db.models import Q

from reinstall.domain.states import JobState
from reinstall.domain.temporaries import SeenServer, UnderWay, Work
from reinstall.models import Job, Project, Server

#: From sending the request to the last look at the disks; an unclear one may be running as well.
_UNDER_WAY = (
    JobState.SUBMITTING,
    JobState.UNCERTAIN,
    JobState.RUNNING,
    JobState.VERIFYING,
    JobState.ATTENTION,
)


def work_in(project: Project, *, since: datetime) -> Work:
    """The reinstalls that go on in `project`, and those that ended after `since`: what was read meanwhile
    may still show their helper."""
    going_on = Q(state__in=_UNDER_WAY) | Q(ended_at__gte=since, sent_at__isnull=False)
    rows = Job.objects.filter(going_on, project=project).order_by()
    columns = ("server_id", "server_name", "server__image_id", "server__flavor", "sent_at", "created_at")
    under_way = [
        UnderWay(str(server), name, image, flavor, sent or made)
        for server, name, image, flavor, sent, made in rows.values_list(*columns)
    ]
    rebuilding = Server.objects.filter(project=project, status="REBUILD", gone_at=None)
    return Work(under_way, elsewhere=not under_way and rebuilding.exists())


def look_again(project: Project, *, since: datetime) -> int:
    """Judges what is being built once more, when all servers are listed: a helper may stand on an earlier
    page than the server it belongs to. Returns how many rows changed."""
    work = work_in(project, since=since)
    changed = 0
    for row in Server.objects.filter(project=project, status="BUILD", gone_at=None):
        temporary = work.makes(_seen(row), was=row.temporary, now=since)
        if temporary != row.temporary:
            changed += Server.objects.filter(pk=row.pk, status="BUILD").update(temporary=temporary)
    return changed


def _seen(row: Server) -> SeenServer:
    return SeenServer(
        id=str(row.pk),
        name=row.name,
        status=row.status,
        task_state=row.task_state,
        has_key=bool(row.keyname),
        has_address=bool(row.addresses),
        image_id=row.image_id,
        flavor=row.flavor,
        appeared_at=row.created_at,
    )
