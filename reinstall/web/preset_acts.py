"""What becomes of a preset: retired, brought back, deleted."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from reinstall.domain.errors import Conflict
from reinstall.models import Preset
from reinstall.services.presets import delete_preset, restore_preset, retire_preset
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated


@require_POST
@translated
def preset_retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Out of the lists to choose from."""
    return _done(request, slug, retire_preset, "was retired. What used it keeps its version.")


@require_POST
@translated
def preset_restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Back into them."""
    return _done(request, slug, restore_preset, "can be chosen again.")


@require_POST
@translated
def preset_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Gone, where nothing ever used it."""
    return _done(request, slug, delete_preset, "was deleted.", stays=False)


def _done(
    request: HttpRequest, slug: str, act: Callable[..., Preset], words: str, stays: bool = True
) -> HttpResponse:
    try:
        preset = act(actor=actor_of(request), now=timezone.now(), slug=slug)
    except Conflict as conflict:
        messages.add_message(request, messages.WARNING, str(conflict), extra_tags="attn")
        return see_other("preset", slug)
    messages.add_message(request, messages.SUCCESS, f"{preset.name} {words}", extra_tags="ok")
    return see_other("preset", slug) if stays else see_other("presets")
