"""Icons of actions, as small as they go: what all of them share stands once, in the style of class `lu`."""

from functools import cache
from xml.etree import ElementTree

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

register = template.Library()


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """One drawing, hidden from screen readers: its word always stands beside it. `classes`: `s` is small."""
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>',
        f"i lu {classes}".strip(),
        _drawing(str(name)),
    )


@cache
def _drawing(name: str) -> SafeString:
    """What is inside of the drawing's element, from the package that ships them."""
    # The drawing is a file of an installed package, never of a request or of the cloud.
    drawn = ElementTree.fromstring(lucide(name, size=None))  # nosec B314
    shapes = ((part.tag, format_html_join(" ", '{}="{}"', part.attrib.items())) for part in drawn)
    return format_html_join("", "<{} {}/>", shapes)
