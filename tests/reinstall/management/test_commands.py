"""The commands: what they print, what they refuse, and with which exit status."""

import io
import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.timezone import now

from reinstall.models import ApiToken, AuditEvent, Cloud, Project, Server
from reinstall.services import tokens
from simulator.server import RunningSimulator
from tests.reinstall.conftest import added_project
from tests.reinstall.signing import with_app

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[str, str]:
    """What the command wrote to its output and to its error output."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*words: str) -> list[str]:
    with pytest.raises(CommandError) as caught:
        run(*words)
    assert caught.value.returncode == 1
    return str(caught.value).splitlines()


def test_a_token_is_printed_alone_on_the_last_line_and_works(user: User) -> None:
    out, err = run("token", "create", "alice", "--name", "ci")
    assert re.fullmatch(r"ecsp_[A-Za-z0-9_-]{43}\n", out)
    assert "cannot be shown again" in err
    found = tokens.authenticate_token(secret=out.strip(), now=now(), address="")
    assert found is not None
    assert (found[0], found[1].scopes, found[1].name) == (user, ["read", "request"], "ci")
    entry = AuditEvent.objects.get(action="token.created")
    assert entry.actor_name.endswith("(command line)")
    assert entry.source == "command"


def test_a_token_is_made_as_narrow_as_asked_for(user: User, project: Project) -> None:
    run(
        "token",
        "create",
        "alice",
        "--name",
        "ci",
        "--scope",
        "read",
        "--project",
        project.slug,
        "--days",
        "7",
    )
    token = ApiToken.objects.get()
    assert token.scopes == ["read"]
    assert [p.slug for p in token.projects.all()] == [project.slug]
    assert (token.expires_at - token.created_at).days == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody", "--name", "ci"], "There is no user nobody."),
        (["alice", "--name", " "], "name: Give the token a name"),
        (["alice", "--name", "ci", "--days", "91"], "days: A token lives 1 to 90 days."),
        (["alice", "--name", "ci", "--project", "nowhere"], "There is no project nowhere."),
    ],
)
def test_a_token_that_cannot_be_made_is_refused_by_field(words: list[str], said: str, user: User) -> None:
    (line,) = refused("token", "create", *words)
    assert line.startswith(said)
    assert not ApiToken.objects.exists()


def test_a_disabled_account_gets_no_token(user: User) -> None:
    User.objects.update(is_active=False)
    assert refused("token", "create", "alice", "--name", "ci")[0].startswith(
        "user: The account alice is disabled"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["token"],
        ["token", "create", "alice"],
        ["token", "create", "alice", "--name", "x", "--scope", "admin"],
        ["cloud"],
        ["cloud", "add"],
    ],
)
def test_a_command_that_is_not_complete_says_what_is_missing(words: list[str]) -> None:
    with pytest.raises(CommandError, match="required|invalid choice"):
        run(*words)


def test_a_cloud_is_added_from_a_file_and_from_standard_input(
    db: None, simulator: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cloud.json").write_text(json.dumps(simulator.cloud_json("shop-prod")), encoding="utf-8")
    assert run("cloud", "add", str(tmp_path / "cloud.json")) == ("shop-prod\n", "")
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(simulator.cloud_json("shop-staging"))))
    assert run("cloud", "add", "-") == ("shop-staging\n", "")
    assert sorted(Project.objects.values_list("slug", flat=True)) == ["shop-prod", "shop-staging"]


def test_each_field_that_is_wrong_has_its_line(db: None, simulator: RunningSimulator, tmp_path: Path) -> None:
    document = simulator.cloud_json("shop-prod") | {"environment": "prod", "credentials": {"kind": "aksk"}}
    (tmp_path / "cloud.json").write_text(json.dumps(document))
    lines = refused("cloud", "add", str(tmp_path / "cloud.json"))
    assert [line.split(":")[0] for line in lines] == [
        "environment",
        *[f"endpoints.{name}" for name in document["endpoints"]],
        "credentials.access_key",
        "credentials.secret_key",
    ]
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("content", "said"), [("{", "is not JSON"), ("[1]", "is not a JSON object."), ("\xff", "is not JSON")]
)
def test_a_file_that_is_no_document_is_named(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "cloud.json").write_bytes(content.encode("latin-1"))
    (line,) = refused("cloud", "add", str(tmp_path / "cloud.json"))
    assert line.startswith(str(tmp_path / "cloud.json"))
    assert said in line


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (line,) = refused("cloud", "add", str(tmp_path / name))
    assert "cannot be read" in line


def test_a_sync_says_what_it_found_for_each_project(project: Project, simulator: RunningSimulator) -> None:
    added_project(simulator, **simulator.cloud_json("shop-staging"))
    out, err = run("sync")
    assert [line.split(":")[0] for line in out.splitlines()] == ["shop-prod", "shop-staging"]
    assert (
        f"shop-prod: {Server.objects.filter(project=project).count()} servers (0 new, 0 changed, 0 gone)"
        in out
    )
    assert err == ""
    assert run("sync", "shop-staging")[0].startswith("shop-staging: ")


def test_a_sync_of_a_project_nobody_knows_is_refused(db: None) -> None:
    assert refused("sync", "nowhere") == ["There is no project nowhere."]
    assert run("sync") == ("", "")


def test_a_sync_with_the_cloud_away_ends_with_1_and_still_reads_the_others(
    project: Project, simulator: RunningSimulator
) -> None:
    added_project(simulator, **simulator.cloud_json("shop-staging"))
    cloud = project.cloud
    cloud.pk, cloud.endpoints = None, dict.fromkeys(cloud.endpoints, "http://127.0.0.1:1")
    cloud.save()
    Project.objects.filter(pk=project.pk).update(cloud=cloud)
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("sync", stdout=out, stderr=io.StringIO())
    assert caught.value.returncode == 1
    assert str(caught.value).startswith("shop-prod: Reading servers and disks ended early: ")
    assert "shop-staging: 8 servers" in out.getvalue()
    assert not Server.objects.exclude(gone_at=None).exists()


def test_a_project_whose_credentials_do_not_open_does_not_stop_the_others(
    project: Project, simulator: RunningSimulator
) -> None:
    added_project(simulator, **simulator.cloud_json("shop-staging"))
    Project.objects.filter(pk=project.pk).update(credentials_sealed=b"junk", credential_version=2)
    lines = refused("sync")
    assert len(lines) == 1
    assert lines[0].startswith("shop-prod: The credentials of this project do not open")


def test_a_connection_is_tested_at_the_terminal(project: Project) -> None:
    text, _ = run("cloud", "test", project.slug)
    assert "Sign-in: passed (" in text and "List traces (CTS): passed" in text
    assert text.endswith("a reinstall is the only real test.\n")
    Cloud.objects.update(endpoints=dict.fromkeys(project.cloud.endpoints, "http://127.0.0.1:1"))
    assert refused("cloud", "test", project.slug) == ["The connection does not work as a whole."]
    assert refused("cloud", "test", "nothing") == ["There is no project nothing."]


def test_credentials_are_rotated_from_a_file(
    project: Project, simulator: RunningSimulator, tmp_path: Path
) -> None:
    def written(document: object) -> str:
        (tmp_path / "new.json").write_text(json.dumps(document))
        return str(tmp_path / "new.json")

    good = simulator.cloud_json("shop-prod", kind="password")["credentials"]
    assert run("cloud", "rotate", project.slug, written({"credentials": good})) == ("version 2\n", "")
    (line,) = refused("cloud", "rotate", project.slug, written({"credentials": good | {"password": "x"}}))
    assert line.startswith("credentials: The old credentials stay: Sign-in failed")
    (line,) = refused("cloud", "rotate", project.slug, written({"credentials": good, "name": "x"}))
    assert line.startswith("name: There is no field name here.")


def test_a_lost_factor_is_reset_by_name(user: User) -> None:
    with_app(user)
    out, _ = run("factor", "reset", "alice")
    assert out == "2 factors of alice removed; alice is signed out everywhere\n"
    assert refused("factor", "reset", "nobody") == ["There is no account nobody."]
