"""The admin behind the portal's own doors: entered with a second factor and a fresh proof."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from reinstall.services import proof
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated

#: So long one stays in once entered; then the next page asks again.
STAY = timedelta(minutes=30)
_UNTIL = "admin_until"


class PortalAdmin(AdminSite):
    """Django's admin, entered with a fresh proof."""

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        @translated
        def door(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponse:
            if self.has_permission(request):
                _must_have_entered(request)
            answer: HttpResponse = inner(request, *args, **kwargs)
            return answer

        return door


def _must_have_entered(request: HttpRequest) -> None:
    """Raises NeedsSecondFactor or NeedsProof where the person did not enter within the last half hour."""
    now, until = timezone.now(), request.session.get(_UNTIL)
    if until is not None and now < datetime.fromisoformat(until):
        return
    proof.must_be_proved(actor_of(request), now=now)
    request.session[_UNTIL] = (now + STAY).isoformat()
