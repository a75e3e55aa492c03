"""Points in time as people read them: relative for a day, absolute afterwards, the exact one as title.

Every tag gives a `<time>` whose `datetime` is UTC and whose title names the zone.
"""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reinstall.templatetags.portal import NBSP, utc_stamp

register = template.Library()

DAY_S = 86_400


def exact(value: datetime) -> str:
    """The whole moment in the shown zone: "14 Oct 2026, 14:02:11 CEST"."""
    local = timezone.localtime(value)
    return f"{local.day}{NBSP}{local:%b %Y, %H:%M:%S %Z}"


def ago_words(seconds: float) -> str:
    """The same words as the page's clock script uses from then on."""
    if seconds < 5:
        return "just now"
    if seconds < 60:
        return f"{int(seconds)}{NBSP}s ago"
    if seconds < 3600:
        return f"{int(seconds // 60)}{NBSP}min ago"
    return f"{int(seconds // 3600)}{NBSP}h ago"


def day_words(value: datetime, now: datetime) -> str:
    """ "today 14:02", "9 Sep, 22:14", or with the year when it is another one."""
    local, today = timezone.localtime(value), timezone.localtime(now)
    if local.date() == today.date():
        return f"today {local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day}{NBSP}{local:%b}{year}, {local:%H:%M}"


def element(value: datetime, text: str) -> SafeString:
    """A `<time>` with the exact moment as its title."""
    return format_html('<time datetime="{}" title="{}">{}</time>', utc_stamp(value), exact(value), text)


@register.simple_tag
def ago(value: datetime | None, missing: str = "never") -> SafeString | str:
    """ "2 min ago" for a day, ticking in the browser; the date from then on."""
    if value is None:
        return missing
    now = timezone.now()
    seconds = (now - value).total_seconds()
    if seconds >= DAY_S:
        return element(value, day_words(value, now))
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        utc_stamp(value),
        exact(value),
        ago_words(seconds),
    )


@register.simple_tag
def age(value: datetime | None, missing: str = "at a time not kept") -> SafeString | str:
    """ "34 days ago", hours and minutes on the first day: for what wears out."""
    if value is None:
        return missing
    seconds = (timezone.now() - value).total_seconds()
    days = int(seconds // DAY_S)
    words = f"{days}{NBSP}day{'' if days == 1 else 's'} ago" if days >= 1 else ago_words(seconds)
    return element(value, words)


@register.simple_tag
def day(value: datetime | None, missing: str = "") -> SafeString | str:
    """ "today 14:02" or "9 Sep, 22:14": for lists."""
    if value is None:
        return missing
    # Without `datetime`: nothing reads it here, and a list says it fifty times.
    return format_html('<span title="{}">{}</span>', exact(value), day_words(value, timezone.now()))


@register.simple_tag
def clock(value: datetime | None, zone: bool = False) -> SafeString | str:
    """ "14:02:11", or "14:02:11 CEST": for steps of one run. Another day than today is named."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    text = f"{local:%H:%M:%S}" + (f" {local:%Z}" if zone else "")
    if local.date() != timezone.localdate():
        text = f"{local.day}{NBSP}{local:%b}, {text}"
    return element(value, text)


@register.simple_tag
def moment(value: datetime | None, missing: str = "") -> SafeString | str:
    """The exact moment: for anything somebody has to act on."""
    return element(value, exact(value)) if value else missing
