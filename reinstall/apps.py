"""Connects the wake bell, to the queue and to live pages; registers the checks of a deployment."""

from typing import Any

from django.apps import AppConfig


class ReinstallConfig(AppConfig):
    """The product."""

    name = "reinstall"
    label = "reinstall"
    verbose_name = "Reinstalls"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.conf import settings
        from django.core.checks import Tags, register

        from reinstall.services import auditchecks, crashpoints, wake

        crashpoints.plan(settings.FAULT_INJECTION)
        register(auditchecks.role_separation, Tags.security, deploy=True)
        wake.job_due.connect(_queue, dispatch_uid="queue")
        wake.sync_due.connect(_queue_sync, dispatch_uid="queue-sync")
        wake.job_changed.connect(_announce, dispatch_uid="live")


def _queue(*, job_id: int, **_: Any) -> None:
    from reinstall import tasks

    tasks.hint(job_id)


def _queue_sync(*, run_id: int, **_: Any) -> None:
    from reinstall import tasks

    tasks.hint_sync(run_id)


def _announce(*, job_id: int, **_: Any) -> None:
    from reinstall.selectors.live import hub

    hub.changed(job_id)
