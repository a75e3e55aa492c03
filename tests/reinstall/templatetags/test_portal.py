"""What templates ask for: sizes, durations, ids, icons."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.test import RequestFactory

from reinstall.domain.looks import LOOKS
from reinstall.templatetags import portal

NB = "\u00a0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.412, f"412{NB}ms"),
        (2.14, f"2.1{NB}s"),
        (9, f"9{NB}s"),
        (41.7, f"41{NB}s"),
        (60, f"1{NB}min 0{NB}s"),
        (111, f"1{NB}min 51{NB}s"),
        (7500, f"2{NB}h 05{NB}min"),
        (timedelta(seconds=111), f"1{NB}min 51{NB}s"),
        (-3, f"0{NB}ms"),
        (None, ""),
    ],
)
def test_durations_are_words(seconds: float | timedelta | None, text: str) -> None:
    assert portal.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (72, "1:12"), (3723, "1:02:03"), (-1, "0:00"), (None, "")]
)
def test_a_stopwatch_counts_up(seconds: float | None, text: str) -> None:
    assert portal.stopwatch(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(184, f"184{NB}B"), (32_768, f"32,768{NB}B"), (5_000_000, f"5.0{NB}MB"), (None, "")],
)
def test_bytes_are_exact_where_the_limit_is(count: int | None, text: str) -> None:
    assert portal.size(count) == text


@pytest.mark.parametrize(
    ("half", "whole", "crowded"),
    [(112, 190, False), (28, 33, True), (None, 33, False), (28, None, False), (0, 0, False)],
)
def test_labels_of_a_bar_do_not_run_into_each_other(
    half: float | None, whole: float | None, crowded: bool
) -> None:
    assert portal.crowds(half, whole) is crowded


@pytest.mark.parametrize(
    ("elapsed", "whole", "width"),
    [(72, 190, "37.9%"), (500, 190, "97.0%"), (-5, 190, "0.0%"), (10, None, "0%"), (None, 190, "0%")],
)
def test_a_bar_waits_at_97_percent(elapsed: float | None, whole: float | None, width: str) -> None:
    assert portal.share(elapsed, whole) == width


@pytest.mark.parametrize(
    ("elapsed", "text"),
    [
        (0, f"about 4{NB}min left"),
        (192, f"about 50{NB}s left"),
        (236, "any moment now"),
        (300, "any moment now"),
        (301, "longer than 9 of 10 runs"),
    ],
)
def test_what_is_left_is_said_with_its_spread(elapsed: float, text: str) -> None:
    assert portal.left(elapsed, 240, 300) == text


def test_long_ids_are_cut_and_short_ones_are_not() -> None:
    assert portal.short("bae51750-0089-41a1") == "bae51750…"
    assert portal.short("bae517501") == "bae517501"
    assert portal.short(None) == ""


def test_a_stamp_is_utc_whatever_the_zone() -> None:
    berlin = datetime.fromisoformat("2026-10-14T14:02:11.5+02:00")
    assert portal.stamp(berlin) == "2026-10-14T12:02:11.500Z"
    assert portal.stamp(None) == ""


def test_the_time_between_two_moments() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert portal.until(start, start + timedelta(seconds=3)) == timedelta(seconds=3)
    assert portal.until(start, None) is None


def rendered(text: str, **context: object) -> str:
    return Template(text).render(Context(context))


def test_an_icon_points_into_the_sprite_and_is_hidden_from_readers() -> None:
    html = rendered('{% status_icon "s-bad" %}')
    assert html == '<svg class="i" aria-hidden="true"><use href="/static/img/status.svg#s-bad"/></svg>'
    assert 'class="i spin"' in rendered('{% status_icon "s-run" %}')


def test_a_name_from_the_cloud_stays_text() -> None:
    html = rendered('{% include "components/kv.html" with name="Image" value=v only %}', v="<svg onload=x>")
    assert "&lt;svg onload=x&gt;" in html
    assert "<svg onload" not in html
    icon = rendered("{% status_icon v %}", v='"><script>')
    assert "<script>" not in icon


def test_every_icon_of_the_looks_is_in_the_sprite() -> None:
    path = finders.find("img/status.svg")
    assert path
    with open(path, encoding="utf-8") as file:
        sprite = file.read()
    used = {look.icon for kinds in LOOKS.values() for look in kinds.values()}
    assert {icon for icon in used if f'id="{icon}"' not in sprite} == set()


@pytest.mark.parametrize("tone", [None, "ok", "run", "attn", "bad", "idle"])
def test_every_tone_has_a_tab_icon_that_exists(tone: str | None) -> None:
    address = portal.favicon(tone)
    assert finders.find(address.removeprefix("/static/"))


def test_only_the_part_of_the_site_one_is_in_is_current() -> None:
    request = RequestFactory().get("/jobs/12/")
    assert rendered('<a{% current "/jobs/" %}>', request=request) == '<a aria-current="page">'
    assert rendered('<a{% current "/servers/" %}>', request=request) == "<a>"
    assert rendered('<a{% current "/servers/" %}>') == "<a>"
