"""Words for what is known of an unclear outcome. They stand in `domain.signs`."""

from datetime import datetime

from django import template

from reinstall.domain import signs
from reinstall.domain.comparison import FieldChange
from reinstall.templatetags.moments import exact

register = template.Library()

register.filter("kind_name", signs.kind_name)
register.filter("phase_sentence", signs.phase_sentence)
register.filter("answer_words", signs.answer_words)

_TIMES = frozenset({"launched_at", "updated"})
_IDS = frozenset({"system_disk", "data_disks", "image_id", "addresses"})


@register.filter
def compared_value(text: str, field: FieldChange) -> str:
    """A value of a compared property for people: times in the shown zone, "none" for nothing."""
    if text and field.name in _TIMES:
        try:
            return exact(datetime.fromisoformat(text))
        except ValueError:
            return text
    return text or "none"


@register.filter
def is_id(field: FieldChange) -> bool:
    """Whether the values of a compared property are read letter by letter."""
    return field.name in _IDS
