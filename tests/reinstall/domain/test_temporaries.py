"""Which server is the helper of a running reinstall, and which is somebody's own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reinstall.domain.temporaries import CLOCKS_DIFFER, LONGEST_LIFE, SeenServer, UnderWay, Work

SENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOON = SENT + timedelta(minutes=1)
WORK = Work([UnderWay("id-1", "web-1", "image", "flavor", SENT)])
#: As the simulated cloud makes it: a copy of the server, being built, without addresses.
HELPER = SeenServer(
    id="id-2",
    name="web-1-reinstall-tmp",
    status="BUILD",
    task_state="spawning",
    has_key=True,
    has_address=False,
    image_id="image",
    flavor="flavor",
    appeared_at=SOON,
)
#: What a person makes meanwhile of the same image and flavor, once it is up.
OWN = replace(HELPER, name="web-2", status="ACTIVE", task_state="", has_address=True)


@pytest.mark.parametrize(
    "seen",
    [
        HELPER,
        replace(HELPER, has_key=False),
        replace(HELPER, status="ACTIVE", task_state=""),
        replace(HELPER, status="ACTIVE", task_state="", has_address=True),
        replace(HELPER, status="SHUTOFF", task_state="", name="of no likeness"),
        replace(HELPER, status="BUILD", name="of no likeness", image_id="other", flavor="other"),
        replace(OWN, task_state="powering-on"),
        replace(OWN, has_address=False),
        replace(HELPER, appeared_at=SENT - CLOCKS_DIFFER, status="REBUILD"),
    ],
    ids=repr,
)
def test_during_a_reinstall_it_cannot_be_chosen(seen: SeenServer) -> None:
    assert WORK.makes(seen, was=False, now=SOON)


@pytest.mark.parametrize(
    "seen",
    [
        OWN,
        replace(OWN, status="SHUTOFF"),
        replace(HELPER, id="id-1"),
        replace(OWN, appeared_at=SENT - CLOCKS_DIFFER - timedelta(seconds=1), has_address=False),
        replace(OWN, name="web-1-blue", appeared_at=None),
        replace(OWN, name="db-1", image_id="other", has_address=False),
    ],
    ids=repr,
)
def test_what_is_at_rest_or_was_there_before_can(seen: SeenServer) -> None:
    assert not WORK.makes(seen, was=False, now=SOON)


def test_a_server_that_only_bears_such_a_name_is_free_after_an_hour() -> None:
    named = replace(OWN, name="web-1-blue")
    assert WORK.makes(named, was=True, now=SENT + LONGEST_LIFE - timedelta(seconds=1))
    assert not WORK.makes(named, was=True, now=SENT + LONGEST_LIFE)
    assert WORK.makes(replace(named, has_address=False), was=True, now=SENT + LONGEST_LIFE)


def test_without_a_reinstall_only_what_is_built_without_a_key_counts() -> None:
    rest = Work()
    assert not rest.makes(HELPER, was=False, now=SOON)
    assert rest.makes(HELPER, was=True, now=SOON), "it was one a moment ago and is still being built"
    assert rest.makes(replace(HELPER, has_key=False), was=False, now=SOON)
    assert not rest.makes(replace(HELPER, status="ACTIVE", task_state=""), was=True, now=SOON)


def test_a_reinstall_somebody_else_began_counts_for_what_is_being_built() -> None:
    elsewhere = Work(elsewhere=True)
    assert elsewhere.makes(HELPER, was=False, now=SOON)
    assert not elsewhere.makes(OWN, was=False, now=SOON)
