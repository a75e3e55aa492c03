"""Who acts through the admin pages."""

from django.http import HttpRequest

from reinstall.domain.actors import Actor, Source


def staff_actor(request: HttpRequest) -> Actor:
    """The signed-in person of this request, as services see them."""
    user = request.user
    return Actor(
        user_id=user.pk,
        name=user.get_username(),
        source=Source.BROWSER,
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=request.META.get("ecsportal.request_id", ""),
        sees_all=bool(user.is_superuser),
    )
