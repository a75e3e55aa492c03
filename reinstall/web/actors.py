"""The signed-in person as services see them."""

from django.http import HttpRequest

from reinstall.domain.actors import Actor, Source
from reinstall.domain.proofs import Proof


def actor_of(request: HttpRequest) -> Actor:
    """Made anew for every request: a right taken away counts from the next click on."""
    user, proof = request.user, Proof.of(getattr(request, "session", {}))
    return Actor(
        user_id=user.pk,
        name=user.get_username(),
        source=Source.BROWSER,
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=request.META.get("ecsportal.request_id", ""),
        sees_all=bool(user.is_active and user.is_superuser),
        second_factor=proof.second_factor,
        proved_at=proof.proved_at,
    )


def manages(request: HttpRequest) -> bool:
    """Whether the signed-in person may open the pages under /manage/."""
    return bool(request.user.is_staff or actor_of(request).sees_all)
