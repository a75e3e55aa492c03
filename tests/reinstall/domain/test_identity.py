"""What makes a server the same one before the call, and a reinstall proven after it."""

from dataclasses import replace

import pytest

from reinstall.domain.identity import DiskFacts, ServerFacts, drift, prove

SYSTEM = DiskFacts("sys-1", "/dev/vda", 40, 0)
DATA = DiskFacts("data-1", "/dev/vdb", 100, 1)
MORE = DiskFacts("data-2", "/dev/vdc", 200, None)
SERVER = ServerFacts("id-1", "web-1", "ACTIVE", "", ("10.0.0.5", "80.1.2.3"), (SYSTEM, DATA, MORE), "key")
NEW = DiskFacts("sys-2", "/dev/vda", 40, 0)


def with_disks(*disks: DiskFacts) -> ServerFacts:
    return replace(SERVER, disks=disks)


def test_the_system_disk_is_the_one_with_boot_index_nought() -> None:
    assert SERVER.system_disk == SYSTEM
    assert SERVER.data_disks == (DATA, MORE)
    assert with_disks(DATA).system_disk is None
    assert with_disks(SYSTEM, NEW).system_disk is None


def test_facts_survive_a_json_column() -> None:
    assert ServerFacts.from_json(SERVER.to_json()) == SERVER
    assert ServerFacts.from_json({}) is None


@pytest.mark.parametrize(
    "now",
    [
        SERVER,
        replace(SERVER, addresses=("80.1.2.3", "10.0.0.5")),
        replace(SERVER, status="SHUTOFF", keyname="other", updated="later", launched_at="later"),
        with_disks(MORE, DATA, SYSTEM),
    ],
)
def test_what_may_change_is_no_drift(now: ServerFacts) -> None:
    assert drift(SERVER, now) == ()


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(SERVER, name="web-2"), "its name was web-1 and is web-2"),
        (replace(SERVER, addresses=("10.0.0.5",)), "its addresses were 10.0.0.5, 80.1.2.3 and are 10.0.0.5"),
        (replace(SERVER, addresses=()), "and are none"),
        (with_disks(NEW, DATA, MORE), "its system disk is another one"),
        (with_disks(DATA, MORE), "its system disk is another one"),
        (with_disks(SYSTEM, NEW, DATA, MORE), "its system disk is another one"),
        (with_disks(SYSTEM, DATA), "1 of its data disks are not attached any more"),
        (with_disks(SYSTEM, DATA, MORE, DiskFacts("data-3")), "1 data disks were attached since"),
    ],
)
def test_drift_says_what_is_not_as_it_was(now: ServerFacts, said: str) -> None:
    assert said in "; ".join(drift(SERVER, now))


def test_a_reinstall_is_proven_by_a_new_system_disk_and_the_old_data_disks() -> None:
    proof = prove(SERVER, with_disks(NEW, MORE, DATA))
    assert proof.holds
    assert proof.sentence == "The system disk is a new one. All 2 data disks are the same as before."


def test_without_data_disks_the_sentence_says_so() -> None:
    proof = prove(with_disks(SYSTEM), with_disks(NEW))
    assert proof.holds
    assert proof.sentence.endswith("There was no data disk.")


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (with_disks(SYSTEM, DATA, MORE), "still the old one"),
        (with_disks(DATA, MORE), "No system disk was found"),
        (with_disks(NEW, replace(NEW, volume_id="sys-3"), DATA, MORE), "No system disk was found"),
        (with_disks(NEW, DATA), "1 of 2 data disks"),
        (with_disks(NEW), "0 of 2 data disks"),
        # The data disk was overwritten: it boots now.
        (
            with_disks(replace(DATA, boot_index=0), MORE),
            "A data disk of before is the system disk now",
        ),
    ],
)
def test_anything_else_is_no_proof(after: ServerFacts, said: str) -> None:
    proof = prove(SERVER, after)
    assert not proof.holds
    assert said in proof.sentence


def test_nothing_is_proven_when_the_old_system_disk_is_not_known() -> None:
    proof = prove(with_disks(DATA), with_disks(NEW, DATA))
    assert not proof.holds
    assert "not known" in proof.sentence
