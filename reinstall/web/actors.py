"""The signed-in person as services see them."""

from django.http import HttpRequest

from reinstall.domain.actors import Actor, Source


def actor_of(request: HttpRequest) -> Actor:
    """Made anew for every request: a right taken away counts from the next click on."""
    user = request.user
    return Actor(
        user_id=user.pk,
        name=user.get_username(),
        source=Source.BROWSER,
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=request.META.get("ecsportal.request_id", ""),
        sees_all=bool(user.is_active and user.is_superuser),
    )


def manages(request: HttpRequest) -> bool:
    """Whether the signed-in person may open the pages under /manage/."""
    return bool(request.user.is_staff or actor_of(request).sees_all)
