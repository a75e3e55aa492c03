"""REST: orders that wait for a second person. Tools may read them; a person decides."""

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.approval_shapes import ApprovalShape, DecisionBody
from reinstall.api.authentication import actor_of
from reinstall.api.bodies import read_body
from reinstall.api.documentation import describes, describes_list
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.versions import answer_one
from reinstall.api.views import ApiView
from reinstall.selectors import approvals
from reinstall.services.approving import decide_approval

APPROVALS = ListKind(
    "approvals",
    ApprovalShape,
    (
        Filter("project", "Slug of a project."),
        Filter("state", "open (the default), or ended.", choices=tuple(approvals.STATES)),
    ),
)


class ApprovalList(ApiView):
    """Open ones, the oldest first; ended ones, the newest first."""

    @describes_list(APPROVALS, "list_approvals", "Orders that wait for a second person, or did")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            APPROVALS,
            lambda query, cursor, limit: approvals.approval_page(
                actor, **query.values, cursor=cursor, limit=limit
            ),
        )


class ApprovalDetail(ApiView):
    """One of them."""

    @describes(
        "get_approval",
        "One order that waits for a second person, or did",
        ApprovalShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, approval_id: int) -> Response:
        return answer_one(request, ApprovalShape, approvals.get_approval(actor_of(request), approval_id))


class ApprovalDecide(ApiView):
    """The decision. A person makes it: a token may not."""

    @describes(
        "decide_approval",
        "Approve, decline, withdraw or override an order that waits (a signed-in person, not a token)",
        ApprovalShape,
        body=DecisionBody,
        problems=(404, 409),
    )
    def post(self, request: Request, approval_id: int) -> Response:
        actor = actor_of(request)
        said = read_body(DecisionBody, request)
        decide_approval(actor=actor, now=timezone.now(), approval_id=approval_id, **said)
        return answer_one(request, ApprovalShape, approvals.get_approval(actor, approval_id))
