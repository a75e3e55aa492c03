"""Whether the database itself still refuses to change the audit history."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError, connection

TABLE = "reinstall_auditevent"
#: What migration 0014 made, by database.
TRIGGERS = {
    "postgresql": ("audit_added_only", "audit_key_kept", "audit_stream_forward", "audit_stream_kept"),
    "sqlite": (
        "audit_key_kept", "audit_key_no_reuse", "audit_no_delete", "audit_no_reuse", "audit_no_update",
        "audit_stream_forward", "audit_stream_kept", "audit_stream_no_reuse",
    ),
}  # fmt: skip
_PRESENT = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'audit_%' AND tgenabled IN ('O', 'A')",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%'",
}


def missing_triggers() -> tuple[str, ...]:
    """The triggers that should refuse a change and are not there, or are switched off."""
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT[connection.vendor])
        present = {name for (name,) in cursor.fetchall()}
    return tuple(name for name in TRIGGERS[connection.vendor] if name not in present)


def role_separation(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """`check --deploy`: the portal's own user of the database must not be able to change the history."""
    if connection.vendor != "postgresql":
        return []
    try:
        may = _may_change()
    except DatabaseError as error:
        return [
            Warning(f"The audit table could not be looked at ({type(error).__name__}).", id="reinstall.W001")
        ]
    if not may:
        return []
    return [
        Error(
            f"The database user of this portal may {', '.join(may)} entries of the audit history.",
            hint="Let another user own the tables and run the migrations: docs/operate.md, "
            '"A restricted database user", has the SQL.',
            id="reinstall.E001",
        )
    ]


def _may_change() -> list[str]:
    """What the current user of the database may do to the table beyond reading and adding."""
    rights = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT "
            + ", ".join(f"has_table_privilege(current_user, '{TABLE}', '{right}')" for right in rights)
        )
        return [right for right, may in zip(rights, cursor.fetchone(), strict=True) if may]
