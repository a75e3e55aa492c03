"""`check --deploy` tells when the portal's user of the database could bend the audit history."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import ProgrammingError, connection, transaction
from django.utils.timezone import now

from reinstall.domain.actors import ENGINE
from reinstall.models import AuditEvent
from reinstall.services import history
from reinstall.services.auditchecks import role_separation
from reinstall.services.verification import verify

pytestmark = pytest.mark.django_db

OPERATE = Path(__file__).resolve().parents[3] / "docs" / "operate.md"
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite knows no users")


def restricted() -> None:
    """Does what docs/operate.md says, to this test's own user: who owns a table may lose rights to it too."""
    [block] = re.findall(r"```sql\n(.*?)```", OPERATE.read_text(encoding="utf-8"), re.S)
    statements = [line for line in block.splitlines() if not line.startswith("CREATE ROLE")]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace("ecsportal_app", "CURRENT_USER"))


def record() -> None:
    with transaction.atomic():
        history.record(actor=ENGINE, now=now(), act=history.Act(action="x.y", object_type="x", object_id="1"))


@on_postgresql
def test_the_owner_of_the_tables_is_reported() -> None:
    [error] = role_separation(None)
    assert error.id == "reinstall.E001"
    assert "may UPDATE, DELETE, TRUNCATE, TRIGGER entries" in error.msg
    assert error.hint and "docs/operate.md" in error.hint


@on_postgresql
def test_check_deploy_fails_for_it() -> None:
    with pytest.raises(SystemCheckError, match=r"reinstall\.E001"):
        call_command("check", deploy=True)


@on_postgresql
def test_with_the_rights_of_the_manual_the_history_goes_on_and_cannot_be_changed() -> None:
    record()
    restricted()
    assert role_separation(None) == []
    record()
    assert verify(now=now()).unbroken
    with connection.cursor() as cursor:
        for table in ("reinstall_auditevent", "reinstall_auditstream", "reinstall_auditkey"):
            for change in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                    cursor.execute(change)
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute("UPDATE reinstall_auditevent SET note = 'x'")
    assert AuditEvent.objects.count() == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_it_is_silent_on_sqlite() -> None:
    assert role_separation(None) == []
