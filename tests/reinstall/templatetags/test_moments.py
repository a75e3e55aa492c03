"""Points in time on pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from reinstall.templatetags import moments

NB = "\u00a0"
NOON = datetime(2026, 10, 14, 12, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, f"59{NB}s ago"), (61, f"1{NB}min ago"), (7200, f"2{NB}h ago")],
)
def test_relative_words(seconds: float, words: str) -> None:
    assert moments.ago_words(seconds) == words


def test_relative_for_a_day_and_absolute_afterwards() -> None:
    now = timezone.now()
    fresh = moments.ago(now - timedelta(minutes=2))
    assert f">2{NB}min ago</time>" in fresh
    assert "data-ago" in fresh
    old = moments.ago(now - timedelta(days=2))
    assert "ago" not in old
    assert moments.ago(None) == "never"


def test_a_day_is_named_unless_it_is_today() -> None:
    assert moments.day_words(NOON, NOON + timedelta(hours=2)) == "today 12:02"
    assert moments.day_words(NOON, NOON + timedelta(days=3)) == f"14{NB}Oct, 12:02"
    assert moments.day_words(NOON, NOON + timedelta(days=300)) == f"14{NB}Oct 2026, 12:02"


def test_the_exact_moment_names_its_zone_also_on_the_day_the_clock_changes() -> None:
    changed = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        assert moments.exact(changed) == f"25{NB}Oct 2026, 02:30:00 CEST"
        assert moments.exact(changed + timedelta(hours=1)) == f"25{NB}Oct 2026, 02:30:00 CET"


def test_a_time_element_is_utc_inside_and_local_outside() -> None:
    with timezone.override("Asia/Tokyo"):
        html = moments.moment(NOON)
    assert 'datetime="2026-10-14T12:02:11.000Z"' in html
    assert "21:02:11 JST" in html


def test_a_step_of_another_day_says_so() -> None:
    assert "14" in moments.clock(NOON)
    now = timezone.now()
    assert moments.clock(now).endswith(f">{now:%H:%M:%S}</time>")
    assert moments.clock(None) == ""
