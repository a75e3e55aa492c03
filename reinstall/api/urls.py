"""Addresses of the REST interface, under /api/."""

from django.urls import include, path, re_path

from reinstall.api import (
    approvals,
    audit,
    evidence,
    images,
    job_events,
    jobs,
    keypairs,
    orders,
    presets,
    projects,
    servers,
    syncs,
    system,
    tokens,
)
from reinstall.api.documentation import OpenApiDocument
from reinstall.api.views import UnknownAddress

app_name = "api"

_v1 = [
    path("projects/", projects.ProjectList.as_view(), name="projects"),
    path("projects/<slug:slug>/", projects.ProjectDetail.as_view(), name="project"),
    path("projects/<slug:slug>/check/", projects.ProjectCheck.as_view(), name="project-check"),
    path(
        "projects/<slug:slug>/credentials/",
        projects.ProjectCredentials.as_view(),
        name="project-credentials",
    ),
    path("projects/<slug:slug>/sync/", syncs.ProjectSync.as_view(), name="project-sync"),
    path(
        "projects/<slug:slug>/syncs/<int:run_id>/",
        syncs.ProjectSyncRun.as_view(),
        name="project-sync-run",
    ),
    path("images/", images.ImageList.as_view(), name="images"),
    path("servers/", servers.ServerList.as_view(), name="servers"),
    path("servers/<uuid:server_id>/", servers.ServerDetail.as_view(), name="server"),
    path("servers/<uuid:server_id>/protect/", servers.ServerProtect.as_view(), name="server-protect"),
    path("servers/<uuid:server_id>/unprotect/", servers.ServerUnprotect.as_view(), name="server-unprotect"),
    path("key-pairs/", keypairs.KeyPairList.as_view(), name="key-pairs"),
    path("kms-keys/", keypairs.KmsKeyList.as_view(), name="kms-keys"),
    path("presets/", presets.PresetList.as_view(), name="presets"),
    path("presets/<slug:slug>/", presets.PresetDetail.as_view(), name="preset"),
    path("presets/<slug:slug>/versions/", presets.PresetVersions.as_view(), name="preset-versions"),
    path(
        "presets/<slug:slug>/versions/<int:number>/",
        presets.PresetVersionDetail.as_view(),
        name="preset-version",
    ),
    path("presets/<slug:slug>/retire/", presets.PresetRetire.as_view(), name="preset-retire"),
    path("presets/<slug:slug>/restore/", presets.PresetRestore.as_view(), name="preset-restore"),
    path("orders/", orders.OrderList.as_view(), name="orders"),
    path("orders/<int:order_id>/", orders.OrderDetail.as_view(), name="order"),
    path("jobs/", jobs.JobList.as_view(), name="jobs"),
    path("jobs/<int:job_id>/", jobs.JobDetail.as_view(), name="job"),
    path("jobs/<int:job_id>/cancel/", jobs.JobCancel.as_view(), name="job-cancel"),
    path("jobs/<int:job_id>/events/", job_events.JobEvents.as_view(), name="job-events"),
    path("jobs/<int:job_id>/evidence/", evidence.JobEvidence.as_view(), name="job-evidence"),
    path("jobs/<int:job_id>/settle/", evidence.JobSettle.as_view(), name="job-settle"),
    path("jobs/<int:job_id>/proposal/", evidence.JobProposal.as_view(), name="job-proposal"),
    path("jobs/<int:job_id>/exchange/", jobs.JobExchange.as_view(), name="job-exchange"),
    path("approvals/", approvals.ApprovalList.as_view(), name="approvals"),
    path("approvals/<int:approval_id>/", approvals.ApprovalDetail.as_view(), name="approval"),
    path(
        "approvals/<int:approval_id>/decide/",
        approvals.ApprovalDecide.as_view(),
        name="approval-decide",
    ),
    path("tokens/", tokens.TokenList.as_view(), name="tokens"),
    path("tokens/<int:token_id>/", tokens.TokenDetail.as_view(), name="token"),
    path("audit/", audit.AuditList.as_view(), name="audit"),
    path("audit/<int:entry_id>/", audit.AuditDetail.as_view(), name="audit-entry"),
    path("system/", system.System.as_view(), name="system"),
    path("system/freeze/", system.SystemFreeze.as_view(), name="system-freeze"),
    path(
        "system/breakers/<int:cloud_id>/close/",
        system.SystemBreakerClose.as_view(),
        name="system-breaker-close",
    ),
    path("openapi.json", OpenApiDocument.as_view(), name="openapi"),
]

urlpatterns = [
    path("v1/", include(_v1)),
    # Last: what is left of /api/v1/ is nothing.
    re_path(r"^v1/", UnknownAddress.as_view()),
]
