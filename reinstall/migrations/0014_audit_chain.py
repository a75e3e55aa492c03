"""The audit history becomes a chain, and the database itself refuses to change it.

Everything this step needs stands here or in reinstall.domain, so that it does the same in ten years.
"""

import secrets
from datetime import UTC, datetime

from django.conf import settings
from django.db import migrations, models

from reinstall.domain import chain
from reinstall.domain.sealing import KeyRing

ADDED_ONLY = "audit entries are added, never changed or removed"
KEPT = "what holds the audit history together is never removed"
FORWARD = "a stream of the audit history only grows"
BATCH = 1000

ON_POSTGRESQL = (
    "CREATE FUNCTION reinstall_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$",
    # By statement: refused even where no row matches, and for TRUNCATE and ON CONFLICT DO UPDATE as well.
    "CREATE TRIGGER audit_added_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reinstall_auditevent "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reinstall_audit_refuse('{ADDED_ONLY}')",
    "CREATE TRIGGER audit_stream_kept BEFORE DELETE OR TRUNCATE ON reinstall_auditstream "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reinstall_audit_refuse('{KEPT}')",
    "CREATE TRIGGER audit_stream_forward BEFORE UPDATE ON reinstall_auditstream FOR EACH ROW "
    "WHEN (NEW.position < OLD.position OR NEW.number <> OLD.number) "
    f"EXECUTE FUNCTION reinstall_audit_refuse('{FORWARD}')",
    "CREATE TRIGGER audit_key_kept BEFORE DELETE OR TRUNCATE ON reinstall_auditkey "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reinstall_audit_refuse('{KEPT}')",
)
OFF_POSTGRESQL = (
    "DROP TRIGGER audit_added_only ON reinstall_auditevent",
    "DROP TRIGGER audit_stream_kept ON reinstall_auditstream",
    "DROP TRIGGER audit_stream_forward ON reinstall_auditstream",
    "DROP TRIGGER audit_key_kept ON reinstall_auditkey",
    "DROP FUNCTION reinstall_audit_refuse()",
)
#: INSERT OR REPLACE removes the row in its way without any DELETE trigger: each unique key is looked at first.
ON_SQLITE = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON reinstall_auditevent "
    f"BEGIN SELECT RAISE(ABORT, '{ADDED_ONLY}'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON reinstall_auditevent "
    f"BEGIN SELECT RAISE(ABORT, '{ADDED_ONLY}'); END",
    "CREATE TRIGGER audit_no_reuse BEFORE INSERT ON reinstall_auditevent WHEN "  # nosec B608: words of ours
    "EXISTS (SELECT 1 FROM reinstall_auditevent WHERE id = NEW.id) OR "
    "EXISTS (SELECT 1 FROM reinstall_auditevent WHERE stream = NEW.stream AND position = NEW.position) OR "
    "EXISTS (SELECT 1 FROM reinstall_auditevent WHERE object_type = NEW.object_type "
    "AND object_id = NEW.object_id AND seq = NEW.seq AND seq IS NOT NULL) "
    f"BEGIN SELECT RAISE(ABORT, '{ADDED_ONLY}'); END",
    "CREATE TRIGGER audit_stream_kept BEFORE DELETE ON reinstall_auditstream "
    f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
    "CREATE TRIGGER audit_stream_no_reuse BEFORE INSERT ON reinstall_auditstream "  # nosec B608: words of ours
    "WHEN EXISTS (SELECT 1 FROM reinstall_auditstream WHERE number = NEW.number) "
    f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
    "CREATE TRIGGER audit_stream_forward BEFORE UPDATE ON reinstall_auditstream "
    "WHEN NEW.position < OLD.position OR NEW.number <> OLD.number "
    f"BEGIN SELECT RAISE(ABORT, '{FORWARD}'); END",
    "CREATE TRIGGER audit_key_kept BEFORE DELETE ON reinstall_auditkey "
    f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
    "CREATE TRIGGER audit_key_no_reuse BEFORE INSERT ON reinstall_auditkey "  # nosec B608: words of ours
    "WHEN EXISTS (SELECT 1 FROM reinstall_auditkey WHERE id = NEW.id) "
    f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END",
)
OFF_SQLITE = tuple(
    f"DROP TRIGGER {name}"
    for name in (
        "audit_no_update", "audit_no_delete", "audit_no_reuse", "audit_stream_kept",
        "audit_stream_no_reuse", "audit_stream_forward", "audit_key_kept", "audit_key_no_reuse",
    )
)  # fmt: skip


def begin(apps, schema_editor):
    """A key, and the streams: what was written before today stands in stream 0, the others are empty."""
    key = secrets.token_bytes(32)
    row = apps.get_model("reinstall", "AuditKey").objects.create(key_sealed=b"", created_at=datetime.now(UTC))
    row.key_sealed = KeyRing(settings.ENCRYPTION_KEYS).seal(key, f"audit_key:key:{row.pk}")
    row.save(update_fields=["key_sealed"])
    position, mac = chained(apps.get_model("reinstall", "AuditEvent"), schema_editor.connection, key, row.pk)
    ends = {number: (0, chain.START) for number in range(chain.STREAMS)} | {0: (position, mac)}
    apps.get_model("reinstall", "AuditStream").objects.bulk_create(
        apps.get_model("reinstall", "AuditStream")(
            number=number,
            position=end,
            mac=code,
            key_id=row.pk,
            signature=chain.head_mac(key, number=number, position=end, mac=code, key_id=row.pk),
        )
        for number, (end, code) in ends.items()
    )


def chained(entries, connection, key, key_id):
    """Gives the entries that are there their places in stream 0, oldest first; where it ends."""
    position, mac, last = 0, chain.START, 0
    while rows := list(entries.objects.filter(pk__gt=last).order_by("pk").values()[:BATCH]):
        placed = []
        for row in rows:
            position += 1
            said = chain.says(
                [{**row, "stream": 0, "position": position, "key_id": key_id}[name] for name in chain.FIELDS]
            )
            mac = chain.entry_mac(key, mac, said)
            placed.append((position, key_id, mac, row["id"]))
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE reinstall_auditevent SET stream = 0, position = %s, key_id = %s, mac = %s WHERE id = %s",
                placed,
            )
        last = rows[-1]["id"]
    return position, mac


def close(apps, schema_editor):
    _execute(schema_editor, {"postgresql": ON_POSTGRESQL, "sqlite": ON_SQLITE})


def open_again(apps, schema_editor):
    _execute(schema_editor, {"postgresql": OFF_POSTGRESQL, "sqlite": OFF_SQLITE})


def _execute(schema_editor, statements):
    with schema_editor.connection.cursor() as cursor:
        for statement in statements[schema_editor.connection.vendor]:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("reinstall", "0013_presets"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditKey",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key_sealed", models.BinaryField()),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="AuditStream",
            fields=[
                ("number", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("position", models.PositiveBigIntegerField()),
                ("mac", models.CharField(blank=True, max_length=64)),
                ("key_id", models.PositiveIntegerField()),
                ("signature", models.CharField(max_length=64)),
            ],
        ),
        migrations.AddField(
            "auditevent", "stream", models.PositiveSmallIntegerField(default=0), preserve_default=False
        ),
        migrations.AddField(
            "auditevent", "position", models.PositiveBigIntegerField(default=0), preserve_default=False
        ),
        migrations.AddField(
            "auditevent", "key_id", models.PositiveIntegerField(default=0), preserve_default=False
        ),
        migrations.AddField(
            "auditevent", "mac", models.CharField(default="", max_length=64), preserve_default=False
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.UniqueConstraint(fields=("stream", "position"), name="one_entry_per_place"),
        ),
        migrations.RunPython(close, open_again),
    ]
