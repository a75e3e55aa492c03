import uuid
from datetime import timedelta

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import Project, Server
from reinstall.selectors.servers import ServerFilters, ServerRow, count_servers, get_server, server_page
from tests.reinstall.rows import T0, a_job, a_person, a_project, a_server, an_actor, an_order


def names(actor: Actor, **filters: str) -> list[str]:
    return [row.name for row in server_page(actor, ServerFilters(**filters)).items]


def row_of(actor: Actor, server: Server) -> ServerRow:
    return get_server(actor, server.pk).row


def test_a_row_says_what_is_known(shop: Project, bob: Actor):
    server = a_server(shop, "web-1", data_disks=2, addresses=["10.0.0.7", "80.1.1.1"])
    [row] = server_page(bob, ServerFilters()).items
    assert (row.id, row.name, row.project_slug, row.state) == (server.pk, "web-1", "shop", "running")
    assert (row.system_gb, row.data_disks, row.address, row.tags) == (40, 2, "10.0.0.7", ("tier=web",))
    assert (row.last_job, row.active_job, row.why_not) == (None, None, "")


def test_nobody_sees_servers_of_a_project_they_are_not_in(shop: Project, bob: Actor):
    foreign = a_server(a_project("other"), "secret")
    mine = a_server(shop, "mine")
    assert names(bob) == ["mine"]
    assert count_servers(bob, ServerFilters()) == 1
    assert names(bob, project="other") == []
    assert names(bob, q=str(foreign.pk)) == []
    with pytest.raises(NotFound):
        get_server(bob, foreign.pk)
    assert get_server(bob, mine.pk).row.name == "mine"
    with pytest.raises(NotFound):
        get_server(bob, uuid.uuid4())


def test_a_token_limited_to_a_project_sees_that_one_only(shop: Project):
    other = a_project("other")
    a_server(shop, "mine")
    a_server(other, "theirs")
    boss = a_person("boss", is_superuser=True)
    assert names(an_actor(boss)) == ["mine", "theirs"]
    assert names(an_actor(boss, only_projects=(other.pk,))) == ["theirs"]


@pytest.fixture
def fleet(shop: Project) -> None:
    a_server(shop, "a-running")
    a_server(shop, "b-stopped", status="SHUTOFF")
    a_server(shop, "c-error", status="ERROR")
    a_server(shop, "d-rebuild", status="REBUILD")
    a_server(shop, "e-temporary", status="BUILD", temporary=True)
    a_server(shop, "f-gone", gone_at=T0)
    a_server(shop, "g-reboot", status="HARD_REBOOT")
    person = a_person("carol", shop)
    a_job(an_order(shop, person), a_server(shop, "h-job"), JobState.RUNNING)
    a_job(an_order(shop, person), a_server(shop, "i-queued"), JobState.QUEUED)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("running", ["a-running", "i-queued"]),
        ("stopped", ["b-stopped"]),
        ("error", ["c-error"]),
        ("reinstalling", ["d-rebuild", "h-job"]),
        ("temporary", ["e-temporary"]),
        ("gone", ["f-gone"]),
        ("other", ["g-reboot"]),
    ],
)
def test_the_filter_and_the_row_agree_on_the_state(fleet: None, bob: Actor, status: str, expected: list[str]):
    rows = server_page(bob, ServerFilters(status=status)).items
    assert [row.name for row in rows] == expected
    assert {row.state for row in rows} == {status}


def test_gone_servers_are_left_out_unless_asked_for(fleet: None, bob: Actor):
    assert "f-gone" not in names(bob)
    assert len(names(bob)) == 8


def test_an_unknown_status_is_refused_with_the_known_ones(shop: Project, bob: Actor):
    with pytest.raises(RuleBroken, match="Known: running, stopped") as broken:
        names(bob, status="ACTIVE")
    assert broken.value.errors[0].field == "status"


def test_every_word_must_occur(shop: Project, bob: Actor):
    a_server(shop, "web-prod-11")
    a_server(shop, "web-prod-12")
    a_server(shop, "db-prod-11")
    assert names(bob, q="WEB prod-11") == ["web-prod-11"]
    assert names(bob, q="100% _") == []


def test_tags_match_whole_or_by_key(shop: Project, bob: Actor):
    a_server(shop, "a", tags=["tier=web", "zürich"])
    a_server(shop, "b", tags=["tier=webhook", "flag"])
    a_server(shop, "c", tags=["note=tier"])
    assert names(bob, tag="tier=web") == ["a"]
    assert names(bob, tag="tier") == ["a", "b"]
    assert names(bob, tag="flag") == ["b"]
    assert names(bob, tag="zürich") == ["a"]
    assert names(bob, tag='tier=web", "') == []


def test_images_match_by_name_or_id(shop: Project, bob: Actor):
    a_server(shop, "a", image_name="SUSE", image_id="image-9")
    a_server(shop, "b")
    assert names(bob, image="SUSE") == names(bob, image="image-9") == ["a"]


def test_orderings(shop: Project, bob: Actor):
    a_server(shop, "a", status="SHUTOFF")
    a_server(shop, "b", status="ACTIVE")
    assert names(bob, ordering="-name") == ["b", "a"]
    assert names(bob, ordering="status") == ["b", "a"]
    with pytest.raises(RuleBroken):
        names(bob, ordering="project__credentials_sealed")


def test_the_newest_job_is_the_one_shown(shop: Project, bob: Actor):
    server = a_server(shop)
    person = a_person("carol", shop)
    a_job(an_order(shop, person), server, JobState.FAILED)
    later = a_job(an_order(shop, person, created_at=T0 + timedelta(hours=1)), server, JobState.PREFLIGHT)
    row = row_of(bob, server)
    assert row.last_job == row.active_job
    assert row.last_job is not None and (row.last_job.id, row.last_job.state) == (later.pk, "preflight")
    assert row.why_not == f"Job #{later.pk} holds {server.name}."


def test_a_finished_job_does_not_hold_the_server(shop: Project, bob: Actor):
    server = a_server(shop)
    a_job(an_order(shop, a_person("carol", shop)), server, JobState.SUCCEEDED)
    row = row_of(bob, server)
    assert row.active_job is None and row.last_job is not None and row.why_not == ""


def test_why_not_says_the_reason(shop: Project, bob: Actor):
    assert "locked at the cloud" in row_of(bob, a_server(shop, locked=True)).why_not
    assert "temporary helper" in row_of(bob, a_server(shop, temporary=True)).why_not
    assert "not at the cloud any more" in row_of(bob, a_server(shop, gone_at=T0)).why_not
    without = a_server(shop)
    without.disks.all().delete()
    assert "no system disk" in row_of(bob, without).why_not


def test_a_viewer_and_a_reading_token_are_told_that_a_role_is_missing(shop: Project):
    server = a_server(shop)
    viewer = a_person("eve", shop, role="viewer")
    assert "need the role requester" in row_of(an_actor(viewer), server).why_not
    boss = a_person("boss", is_superuser=True)
    assert row_of(an_actor(boss), server).why_not == ""
    assert row_of(an_actor(boss, scopes=frozenset({"read"})), server).why_not != ""
    assert row_of(an_actor(boss, scopes=frozenset({"read", "request"})), server).why_not == ""


def test_only_the_system_disk_is_wiped(shop: Project, bob: Actor):
    server = a_server(shop, data_disks=2)
    disks = get_server(bob, server.pk).disks
    assert [(disk.role, disk.fate) for disk in disks] == [
        ("system", "wiped"),
        ("data", "kept"),
        ("data", "kept"),
    ]


def test_the_history_is_newest_first_and_short(shop: Project, bob: Actor):
    server, person = a_server(shop), a_person("carol", shop)
    jobs = [
        a_job(an_order(shop, person, created_at=T0 + timedelta(hours=n)), server, JobState.SUCCEEDED)
        for n in range(22)
    ]
    history = get_server(bob, server.pk).history
    assert [job.id for job in history] == [job.pk for job in reversed(jobs)][:20]
