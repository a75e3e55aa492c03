"""REST: orders."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import read_body
from reinstall.api.documentation import describes, describes_list
from reinstall.api.examples import EXAMPLES
from reinstall.api.idempotent import once, submission_id_of
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.order_shapes import OrderBody, OrderRowShape, OrderShape, PreviewShape, order_request
from reinstall.api.shapes import shaper
from reinstall.api.versions import answer_one
from reinstall.api.views import ApiView
from reinstall.domain.states import OrderState
from reinstall.selectors import orders
from reinstall.services import orders as order_services
from reinstall.services.orders import OrderRequest
from reinstall.services.preset_use import preset_in_use

ORDERS = ListKind(
    "orders",
    OrderRowShape,
    (
        Filter("project", "Slug of a project."),
        Filter("state", "State of the order.", choices=tuple(state.value for state in OrderState)),
    ),
    tuple(orders.ORDERINGS),
    "reason, person",
)
_DRY_RUN = {
    200: OpenApiResponse(
        PreviewShape,
        description="A dry run.",
        examples=[OpenApiExample("dry run", EXAMPLES["PreviewShape"], status_codes=["200"])],
    )
}


class OrderList(ApiView):
    """Orders, newest first."""

    @describes_list(ORDERS, "list_orders", "Orders")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            ORDERS,
            lambda query, cursor, limit: orders.order_page(actor, **query.values, cursor=cursor, limit=limit),
        )

    @describes(
        "place_order",
        "Reinstall servers, or look at what would happen (dry_run)",
        OrderShape,
        good=201,
        body=OrderBody,
        problems=(404, 409, 422),
        headers=("Idempotency-Key",),
        also=_DRY_RUN,
    )
    def post(self, request: Request) -> Response:
        body = read_body(OrderBody, request)
        answers = {True: _preview, False: _place_once}
        return answers[body["dry_run"]](request, body)


class OrderDetail(ApiView):
    """One order."""

    @describes(
        "get_order",
        "One order with its jobs",
        OrderShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, order_id: int) -> Response:
        return answer_one(request, OrderShape, orders.get_order(actor_of(request), order_id))


def _preview(request: Request, body: dict[str, Any]) -> Response:
    preview = order_services.preview_order(
        actor=actor_of(request), now=timezone.now(), request=_asked(request, body)
    )
    return Response(shaper(PreviewShape)(preview))


def _asked(request: Request, body: dict[str, Any]) -> OrderRequest:
    """The body with what its preset says."""
    used = preset_in_use(actor_of(request), body["project"], body["preset"]) if body["preset"] else None
    sent: Any = request.data
    return order_request(body, tuple(sent["spec"]), used)


def _place_once(request: Request, body: dict[str, Any]) -> Response:
    return once(request, lambda: _place(request, body))


def _place(request: Request, body: dict[str, Any]) -> Response:
    placed = order_services.place_order(
        actor=actor_of(request),
        now=timezone.now(),
        request=_asked(request, body),
        submission_id=submission_id_of(request),
    )
    view = orders.get_order(actor_of(request), placed.order.pk)
    return answer_one(request, OrderShape, view, status=201, Location=f"{request.path}{view.id}/")
