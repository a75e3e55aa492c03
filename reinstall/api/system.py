"""REST: the installation as a whole, and what stops and releases all reinstalls."""

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import read_body
from reinstall.api.documentation import describes
from reinstall.api.shapes import shaper
from reinstall.api.system_shapes import CloseBreakerBody, FreezeBody, SystemShape
from reinstall.api.views import ApiView
from reinstall.domain.actors import Actor
from reinstall.selectors.system import system_view
from reinstall.services import guards


def _shown(actor: Actor) -> Response:
    return Response(shaper(SystemShape)(system_view(actor, timezone.now())))


class System(ApiView):
    """The installation."""

    @describes("get_system", "What holds reinstalls, and whether work gets done", SystemShape)
    def get(self, request: Request) -> Response:
        return _shown(actor_of(request))


class SystemFreeze(ApiView):
    """Stops all new reinstalls, or lets them go on. What runs is followed to its end either way."""

    @describes(
        "set_freeze", "Stop all new reinstalls, or let them go on (superusers)", SystemShape, body=FreezeBody
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        said = read_body(FreezeBody, request)
        change = guards.freeze if said["on"] else guards.lift_freeze
        change(actor=actor, now=timezone.now(), reason=said["reason"])
        return _shown(actor)


class SystemBreakerClose(ApiView):
    """Lets a cloud's jobs go on after a person has looked at those without a clear answer."""

    @describes(
        "close_breaker",
        "Close the breaker of a cloud (superusers)",
        SystemShape,
        body=CloseBreakerBody,
        problems=(404,),
    )
    def post(self, request: Request, cloud_id: int) -> Response:
        actor = actor_of(request)
        said = read_body(CloseBreakerBody, request)
        guards.close_breaker(actor=actor, now=timezone.now(), cloud_id=cloud_id, reason=said["reason"])
        return _shown(actor)
