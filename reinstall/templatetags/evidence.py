"""Words for what is known of an unclear outcome. They stand in `domain.signs`."""

from django import template

from reinstall.domain import signs

register = template.Library()

register.filter("kind_name", signs.kind_name)
register.filter("phase_sentence", signs.phase_sentence)
register.filter("answer_words", signs.answer_words)
