"""REST: what is known of an unclear outcome, and a person's word about it."""

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import read_body
from reinstall.api.documentation import describes
from reinstall.api.evidence_shapes import EvidenceShape, ProposalBody, SettleBody
from reinstall.api.job_shapes import JobShape
from reinstall.api.shapes import shaper
from reinstall.api.versions import answer_one, must_match
from reinstall.api.views import ApiView
from reinstall.domain.errors import RuleBroken
from reinstall.selectors import jobs
from reinstall.selectors.evidence import evidence_of
from reinstall.services.confirming import decide_proposal
from reinstall.services.settle import Answer, settle_job


class JobEvidence(ApiView):
    """The evidence on one job."""

    @describes(
        "get_job_evidence",
        "What was sent, the server before and now, every sign of the outcome",
        EvidenceShape,
        problems=(404,),
    )
    def get(self, request: Request, job_id: int) -> Response:
        return Response(shaper(EvidenceShape)(evidence_of(actor_of(request), job_id)))


class JobSettle(ApiView):
    """Settles an unclear job. A person does that: a token may not."""

    @describes(
        "settle_job",
        "Say what became of an unclear job (a signed-in person, not a token); may need a second person",
        JobShape,
        body=SettleBody,
        problems=(404, 409, 412),
        headers=("If-Match",),
    )
    def post(self, request: Request, job_id: int) -> Response:
        actor, now = actor_of(request), timezone.now()
        said = read_body(SettleBody, request)
        must_match(request, f"job {job_id} {jobs.job_version(actor, job_id)}")
        if said["cloud_job_id"] and said["answer"] != Answer.RAN_JOB:
            raise RuleBroken("cloud_job_id goes with the answer ran_job only.", "cloud_job_id", "unused")
        settle_job(actor=actor, now=now, job_id=job_id, **said)
        view = jobs.get_job(actor, job_id, now=now)
        return answer_one(request, JobShape, view, version=f"job {view.id} {view.stamp}")


class JobProposal(ApiView):
    """The second person's part. A person does that too: a token may not."""

    @describes(
        "decide_job_proposal",
        "Confirm, reject or withdraw a proposal about an unclear job (a signed-in person, not a token)",
        JobShape,
        body=ProposalBody,
        problems=(404, 409, 412),
        headers=("If-Match",),
    )
    def post(self, request: Request, job_id: int) -> Response:
        actor, now = actor_of(request), timezone.now()
        said = read_body(ProposalBody, request)
        must_match(request, f"job {job_id} {jobs.job_version(actor, job_id)}")
        decide_proposal(actor=actor, now=now, job_id=job_id, **said)
        view = jobs.get_job(actor, job_id, now=now)
        return answer_one(request, JobShape, view, version=f"job {view.id} {view.stamp}")
