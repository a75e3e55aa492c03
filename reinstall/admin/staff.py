"""Who acts through the admin pages."""

from django.http import HttpRequest

from reinstall.domain.actors import Actor, Source
from reinstall.domain.proofs import Proof


def staff_actor(request: HttpRequest) -> Actor:
    """The signed-in person of this request, as services see them."""
    user, proof = request.user, Proof.of(request.session)
    return Actor(
        user_id=user.pk,
        name=user.get_username(),
        source=Source.BROWSER,
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=request.META.get("ecsportal.request_id", ""),
        sees_all=bool(user.is_superuser),
        second_factor=proof.second_factor,
        proved_at=proof.proved_at,
    )
