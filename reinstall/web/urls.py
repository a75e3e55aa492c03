"""Addresses of the pages."""

from django.urls import path
from django.views.generic import RedirectView

from reinstall.web import (
    audit,
    cloud_test,
    clouds,
    health,
    jobs,
    keypairs,
    live,
    manage,
    reinstalls,
    servers,
    session,
    settling,
    tokens,
)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="servers"), name="home"),
    path("sign-in/", session.sign_in, name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("servers/", servers.server_list, name="servers"),
    path("servers/<uuid:server_id>/", servers.server_detail, name="server"),
    path("servers/<uuid:server_id>/reinstall/", reinstalls.reinstall, name="reinstall"),
    path("servers/<uuid:server_id>/reinstall/check/", reinstalls.check, name="reinstall-check"),
    path("projects/<slug:slug>/sync/", servers.sync, name="sync"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/<int:job_id>/", jobs.job_detail, name="job"),
    path("jobs/<int:job_id>/fragment/", live.job_fragment, name="job-fragment"),
    path("jobs/<int:job_id>/events", live.job_events, name="job-events"),
    path("jobs/<int:job_id>/cancel/", jobs.job_cancel, name="job-cancel"),
    path("jobs/<int:job_id>/settle/", settling.job_settle, name="job-settle"),
    path("jobs/<int:job_id>/proposal/", settling.job_second, name="job-second"),
    path("jobs/<int:job_id>/exchange.json", jobs.job_exchange, name="job-exchange"),
    path("clouds/", clouds.cloud_list, name="clouds"),
    path("clouds/new/", clouds.cloud_new, name="cloud-new"),
    path("clouds/<slug:slug>/", clouds.cloud_detail, name="cloud"),
    path("clouds/<slug:slug>/credentials/", clouds.cloud_credentials, name="cloud-credentials"),
    path("clouds/<slug:slug>/test/", cloud_test.cloud_test, name="cloud-test"),
    path("clouds/<slug:slug>/test/steps", cloud_test.cloud_test_steps, name="cloud-test-steps"),
    path("key-pairs/", keypairs.key_pair_list, name="key-pairs"),
    path("audit/", audit.audit_list, name="audit"),
    path("settings/tokens/", tokens.token_list, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("manage/health/", manage.health, name="health"),
    path("manage/health/freeze/", manage.freeze, name="freeze"),
    path("manage/health/breakers/<int:cloud_id>/close/", manage.breaker_close, name="breaker-close"),
    path("live", health.live, name="live"),
    path("ready", health.ready, name="ready"),
]
