"""Failed jobs that nobody needs to look at any more are marked, so that the others can be counted quickly."""

from typing import Any

from django.db import migrations, models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now


def mark_handled(apps: Any, schema_editor: Any) -> None:
    """Those whose server has a later job. A worker of before sets no mark; the page asks about such rows."""
    jobs = apps.get_model("reinstall", "Job").objects
    later = jobs.filter(server=OuterRef("server"), created_at__gt=OuterRef("created_at"))
    jobs.filter(Exists(later), state="failed").update(handled_at=Now())


class Migration(migrations.Migration):
    dependencies = [("reinstall", "0002_engine")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="handled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["project", "state", "handled_at"], name="job_to_look_at"),
        ),
        migrations.RunPython(mark_handled, migrations.RunPython.noop),
    ]
