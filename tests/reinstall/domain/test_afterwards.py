"""After a reinstall: how long to wait, which host keys to forget, and the proof line by line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reinstall.domain.afterwards import (
    LEAVE_ALONE,
    Became,
    changes,
    forget_line,
    known_hosts,
    leave_alone_until,
)
from reinstall.domain.identity import DiskFacts, ServerFacts

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OLD, NEW, DATA, MORE = (DiskFacts(name, f"/dev/{name}", 40) for name in ("old", "new", "data", "more"))
BEFORE = ServerFacts("id", "web", addresses=("10.0.0.1",), disks=(replace(OLD, boot_index=0), MORE, DATA))


def minutes(number: float) -> datetime:
    return T0 + timedelta(minutes=number)


@pytest.mark.parametrize(
    ("cloud", "counted"),
    [(minutes(3), minutes(3)), (None, minutes(4)), (minutes(60), minutes(4)), (minutes(-60), T0)],
    ids=["the cloud's word", "it said nothing", "its clock is ahead", "its clock is behind"],
)
def test_five_minutes_from_the_end_as_far_as_both_clocks_agree(
    cloud: datetime | None, counted: datetime
) -> None:
    until = leave_alone_until(cloud_ended_at=cloud, sent_at=T0, ended_at=minutes(4))
    assert until == counted + LEAVE_ALONE


def test_each_address_and_a_name_that_can_be_one() -> None:
    hosts = known_hosts(("10.0.0.1", "2001:db8::1", "10.0.0.1", "junk; id"), "web-prod-01.example.com")
    assert hosts == ("10.0.0.1", "2001:db8::1", "web-prod-01.example.com")
    assert [forget_line(host) for host in hosts] == [
        "ssh-keygen -R 10.0.0.1",
        "ssh-keygen -R 2001:db8::1",
        "ssh-keygen -R web-prod-01.example.com",
    ]


@pytest.mark.parametrize(
    "name",
    ["", "a b", "$(id)", "x; rm -rf ~", "-rf", "web\nrm", "`id`", "wéb", "a'b", "x" * 300, "a/b", "a|b"],
)
def test_a_name_that_is_no_host_name_is_in_no_command(name: str) -> None:
    assert known_hosts((), name) == ()


def test_the_proof_names_each_disk_and_the_addresses() -> None:
    after = replace(BEFORE, disks=(replace(NEW, boot_index=0), DATA, MORE))
    assert [(line.label, line.before, line.after, line.became) for line in changes(BEFORE, after)] == [
        ("System disk /dev/old, 40 GB", "old", "new", Became.REPLACED),
        ("Data disk /dev/data, 40 GB", "data", "data", Became.UNCHANGED),
        ("Data disk /dev/more, 40 GB", "more", "more", Became.UNCHANGED),
        ("Addresses", "10.0.0.1", "10.0.0.1", Became.UNCHANGED),
    ]


def test_what_is_not_as_it_should_be_is_no_proof() -> None:
    became = [line.became for line in changes(BEFORE, replace(BEFORE, addresses=(), disks=(DATA,)))]
    assert became == [Became.MISSING, Became.UNCHANGED, Became.MISSING, Became.CHANGED]
    same = changes(BEFORE, BEFORE)
    assert same[0].became is Became.CHANGED, "the old disk, still there, is not what was asked for"
