"""Which door answers which address."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("reinstall.web.urls")),
    path("api/", include("reinstall.api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "reinstall.web.errors.bad_request"
handler403 = "reinstall.web.errors.forbidden"
handler404 = "reinstall.web.errors.not_found"
handler500 = "reinstall.web.errors.server_error"
