"""What templates ask for and must not compute themselves: state words, icons, sizes, times.

How a state is shown stands in `domain.looks`. Filters return text that Django escapes; tags that return
markup build it with `format_html`, so that names from a cloud stay text.
"""

from datetime import datetime, timedelta

from django import template
from django.http import HttpRequest
from django.template import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reinstall.domain.looks import Look, Tone, look_of

register = template.Library()

NBSP = "\u00a0"
#: The bar waits here until the cloud says SUCCESS and our own comparison agrees.
HELD_PERCENT = 97.0
#: Two labels of some 90 px on the narrowest bar that has words under its marks.
CROWDED_FROM = 0.7


#: A tab's icon says: nothing to see, good, going on, somebody is needed.
FAVICONS = {
    Tone.OK: "img/favicon-ok.svg",
    Tone.RUN: "img/favicon-run.svg",
    Tone.ATTN: "img/favicon-attn.svg",
    Tone.BAD: "img/favicon-attn.svg",
}


@register.simple_tag
def look(kind: str, state: str) -> Look:
    """`{% look "job" job.state as l %}` gives tone, icon and word."""
    return look_of(kind, state)


@register.filter
def tone(state: str, kind: str = "job") -> str:
    """The tone alone, for a class name."""
    return look_of(kind, state).tone.value


@register.filter
def word(state: str, kind: str = "job") -> str:
    """The word alone, for titles and sentences."""
    return look_of(kind, state).word


@register.simple_tag
def status_icon(icon: str, extra: str = "") -> SafeString:
    """One symbol of the status sprite, hidden from screen readers: its word always stands beside it."""
    classes = " ".join(part for part in ("i", "spin" if icon == "s-run" else "", extra) if part)
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        classes,
        static("img/status.svg"),
        icon,
    )


@register.simple_tag
def favicon(tone_name: str | None = None) -> str:
    """Address of the tab icon for a tone; without one, the plain icon."""
    return static(FAVICONS.get(Tone(tone_name), "img/favicon.svg") if tone_name else "img/favicon.svg")


@register.simple_tag(takes_context=True)
def current(context: Context, prefix: str) -> SafeString | str:
    """`aria-current="page"` when the page shown lies under `prefix`."""
    request = context.get("request")
    here = isinstance(request, HttpRequest) and request.path.startswith(prefix)
    return format_html(' aria-current="{}"', "page") if here else ""


@register.filter
def size(count: int | None) -> str:
    """Bytes, exactly up to a million, then in MB: 32768 is "32,768 B"."""
    if count is None:
        return ""
    if count < 1_000_000:
        return f"{count:,}{NBSP}B"
    return f"{count / 1_000_000:.1f}{NBSP}MB"


def seconds_of(value: float | timedelta) -> float:
    """A duration in seconds, whichever way it came."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Seconds in words: "412 ms", "2.1 s", "41 s", "1 min 51 s", "2 h 05 min"."""
    if value is None:
        return ""
    seconds = max(0.0, seconds_of(value))
    if seconds < 1:
        return f"{seconds * 1000:.0f}{NBSP}ms"
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f}{NBSP}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes == 0:
        return f"{rest}{NBSP}s"
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours}{NBSP}h {minutes_left:02d}{NBSP}min"
    return f"{minutes}{NBSP}min {rest}{NBSP}s"


@register.filter
def stopwatch(value: float | timedelta | None) -> str:
    """Seconds as on a stopwatch: "1:12", "1:02:03"."""
    if value is None:
        return ""
    minutes, seconds = divmod(int(max(0.0, seconds_of(value))), 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours}:{rest:02d}:{seconds:02d}" if hours else f"{rest}:{seconds:02d}"


@register.filter
def share(elapsed: float | None, whole: float | None) -> str:
    """Width of a bar, "38.0%" of `whole`, held at 97 % however late it gets."""
    if not whole or elapsed is None:
        return "0%"
    return f"{min(HELD_PERCENT, max(0.0, 100 * elapsed / whole)):.1f}%"


@register.filter
def crowds(half: float | None, whole: float | None) -> bool:
    """Whether the label under the half-way mark would run into the one at the end of the bar."""
    return bool(half and whole and half / whole > CROWDED_FROM)


@register.simple_tag
def left(elapsed: float, half: float, nine_of_ten: float) -> str:
    """What is left of a run; half of similar runs took `half` seconds, nine of ten `nine_of_ten`."""
    rest = half - elapsed
    if rest > 90:
        return f"about {round(rest / 60)}{NBSP}min left"
    if rest > 5:
        return f"about {int(-(-rest // 5) * 5)}{NBSP}s left"
    return "any moment now" if elapsed <= nine_of_ten else "longer than 9 of 10 runs"


@register.filter
def until(start: datetime | None, end: datetime | None) -> timedelta | None:
    """The time between two moments, for `duration`."""
    return end - start if start and end else None


@register.filter
def short(value: object, length: int = 8) -> str:
    """The start of an id; the whole one is what copy buttons copy."""
    text = str(value or "")
    return text if len(text) <= length + 1 else f"{text[:length]}…"


def utc_stamp(value: datetime) -> str:
    """ISO 8601 in UTC with whole milliseconds, as scripts of the page read it."""
    return value.astimezone(timezone.get_fixed_timezone(0)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@register.filter
def stamp(value: datetime | None) -> str:
    """The moment as ISO text for a data attribute; empty without one."""
    return utc_stamp(value) if value else ""


@register.simple_tag
def server_now() -> str:
    """The server's clock, against which the page's scripts count."""
    return utc_stamp(timezone.now())
