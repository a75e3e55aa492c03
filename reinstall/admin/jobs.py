"""Orders, jobs and attempts, for staff to read."""

from django.contrib import admin

from reinstall.admin.readonly import ReadOnlyAdmin
from reinstall.models import Attempt, Job, Order


class AttemptInline(admin.TabularInline[Attempt, Job]):
    """The attempts of a job, under it."""

    model = Attempt
    extra = 0
    max_num = 0
    can_delete = False
    fields = ("number", "verdict", "intent_at", "answered_at", "status", "code", "message", "request_id")
    readonly_fields = fields
    ordering = ("number",)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin[Job]):
    """One server of one order."""

    list_display = (
        "id",
        "server_name",
        "state",
        "project",
        "requested_by",
        "created_at",
        "ended_at",
        "failure_code",
    )
    list_filter = ("state", "project")
    search_fields = (
        "=id",
        "server_name",
        "server__id",
        "cloud_job_id",
        "order__reason",
        "order__requested_by_name",
    )
    date_hierarchy = "created_at"
    list_select_related = ("project", "order")
    exclude = ("owner", "fence", "lease_until")
    inlines = (AttemptInline,)

    @admin.display(description="requested by")
    def requested_by(self, job: Job) -> str:
        return job.order.requested_by_name


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    """Each intent to call the cloud."""

    list_display = ("job", "number", "verdict", "intent_at", "answered_at", "status", "code")
    list_filter = ("verdict", "status")
    search_fields = ("=job__id", "job__server_name", "code", "request_id")
    date_hierarchy = "intent_at"
    list_select_related = ("job",)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin[Order]):
    """One decision by one person. Script and password are never shown here."""

    list_display = ("id", "project", "requested_by_name", "source", "reason", "created_at")
    list_filter = ("project", "source")
    search_fields = ("=id", "requested_by_name", "reason", "request_hash")
    date_hierarchy = "created_at"
    list_select_related = ("project",)
    exclude = ("user_data_sealed", "adminpass_sealed")
