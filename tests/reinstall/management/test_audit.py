"""`manage.py audit`: what it prints, what it refuses, with which exit status."""

import pytest

from reinstall.models import AuditEvent
from tests.emptying import lifted
from tests.reinstall.management.test_commands import refused, run
from tests.reinstall.rows import an_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries() -> list[AuditEvent]:
    return [an_event(note=str(number)) for number in range(3)]


def test_an_unbroken_history_is_one_line(entries: list[AuditEvent]) -> None:
    out, err = run("audit", "verify")
    assert out.startswith(
        "3 entries, chain unbroken, first 2026-01-02 03:04:05, last 2026-01-02 03:04:05, anchor "
    )
    assert err == ""


def test_an_empty_history_is_unbroken_too() -> None:
    assert run("audit", "verify")[0].startswith("0 entries, chain unbroken, first -, last -, anchor ")


def test_the_first_entry_that_does_not_fit_ends_it_with_1_and_the_others_are_named(
    entries: list[AuditEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    with lifted():
        AuditEvent.objects.filter(pk__in=[entries[0].pk, entries[2].pk]).update(note="x")
    [line] = refused("audit", "verify")
    assert line.startswith(f"3 entries, and the history is broken: Entry {entries[0].pk} was changed")


def test_an_anchor_is_printed_and_taken_back(entries: list[AuditEvent]) -> None:
    line = run("audit", "anchor")[0].strip()
    assert " entries=3 digest=" in line and line.endswith(" ends=0:3")
    an_event()
    assert "chain unbroken" in run("audit", "verify", "--anchor", f"…Z [info] audit_anchor {line}")[0]
    other = line.replace("digest=", "digest=0")[: -len(" ends=0:3") - 1] + " ends=0:3"
    [refusal] = refused("audit", "verify", "--anchor", other)
    assert "is not what was anchored then" in refusal


def test_a_line_without_an_anchor_is_refused(entries: list[AuditEvent]) -> None:
    assert refused("audit", "verify", "--anchor", "hello") == [
        "An anchor is a line with at=… entries=… digest=… ends=…"
    ]
