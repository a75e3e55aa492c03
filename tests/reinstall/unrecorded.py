"""An audit log that takes no entry: the database refuses the row, as a full disk or a bug would."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def audit_log_full(action: str = "") -> Iterator[None]:
    """While this is open the database takes no entry, or none of that action."""
    when = f"WHEN (NEW.action = '{action}') " if action else ""
    _run(
        {
            "sqlite": [
                f"CREATE TRIGGER no_entries BEFORE INSERT ON reinstall_auditevent {when}"
                "BEGIN SELECT RAISE(ABORT, 'the audit log is full'); END"
            ],
            "postgresql": [
                "CREATE FUNCTION no_entries() RETURNS trigger AS "
                "$$ BEGIN RAISE EXCEPTION 'the audit log is full'; END $$ LANGUAGE plpgsql",
                "CREATE TRIGGER no_entries BEFORE INSERT ON reinstall_auditevent "
                f"FOR EACH ROW {when}EXECUTE FUNCTION no_entries()",
            ],
        }
    )
    try:
        yield
    finally:
        _run(
            {
                "sqlite": ["DROP TRIGGER no_entries"],
                "postgresql": [
                    "DROP TRIGGER no_entries ON reinstall_auditevent",
                    "DROP FUNCTION no_entries()",
                ],
            }
        )


def _run(statements: dict[str, list[str]]) -> None:
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)
