"""REST: jobs, each one server of one order."""

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import read_no_body
from reinstall.api.documentation import BODY_PROBLEMS, describes, describes_list
from reinstall.api.job_shapes import ExchangeListShape, ExchangeShape, JobRowShape, JobShape
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.shapes import shaper
from reinstall.api.versions import answer_one, must_match
from reinstall.api.views import ApiView
from reinstall.domain.states import JobState
from reinstall.selectors import jobs
from reinstall.services import jobs as job_services

JOBS = ListKind(
    "jobs",
    JobRowShape,
    (
        Filter("project", "Slug of a project."),
        Filter("state", "State of the job.", choices=tuple(state.value for state in JobState)),
        Filter(
            "tab",
            "running, attention (unclear, or failed and not reinstalled since), finished, all.",
            choices=jobs.TABS,
        ),
        Filter("server", "Id of a server.", "uuid"),
        Filter("order", "Number of an order.", "number"),
        Filter("requested_by", "Name of the person who asked."),
    ),
    tuple(jobs.ORDERINGS),
    "server, reason, person, job number, cloud job, error code",
)


class JobList(ApiView):
    """Jobs, newest first."""

    @describes_list(JOBS, "list_jobs", "Jobs")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            JOBS,
            lambda query, cursor, limit: jobs.job_page(
                actor, jobs.JobFilters(**query.values), cursor=cursor, limit=limit
            ),
        )


class JobDetail(ApiView):
    """One job."""

    @describes(
        "get_job",
        "One job: steps, progress, disks, attempts",
        JobShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, job_id: int) -> Response:
        view = jobs.get_job(actor_of(request), job_id, now=timezone.now())
        return answer_one(request, JobShape, view, version=f"job {view.id} {view.stamp}")


class JobCancel(ApiView):
    """Calls a job off, while nothing has been sent."""

    @describes(
        "cancel_job",
        "Cancel a job before anything is sent to the cloud",
        JobShape,
        problems=(404, 409, 412, *BODY_PROBLEMS),
        headers=("If-Match",),
    )
    def post(self, request: Request, job_id: int) -> Response:
        read_no_body(request)
        actor, now = actor_of(request), timezone.now()
        must_match(request, f"job {job_id} {jobs.job_version(actor, job_id)}")
        job_services.cancel_job(actor=actor, now=now, job_id=job_id)
        view = jobs.get_job(actor, job_id, now=now)
        return answer_one(request, JobShape, view, version=f"job {view.id} {view.stamp}")


class JobExchange(ApiView):
    """The calls made for a job, masked."""

    @describes("list_job_exchange", "Calls made for a job, masked", ExchangeListShape, problems=(404,))
    def get(self, request: Request, job_id: int) -> Response:
        shaped = shaper(ExchangeShape)
        calls = jobs.exchanges(actor_of(request), job_id)
        return Response({"results": [shaped(call) for call in calls]})
