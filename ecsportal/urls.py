"""Which door answers which address."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from ecsportal import cspreports
from ecsportal.headers import REPORTS
from reinstall.web import session

# Pages of the admin name no icon, so browsers ask here.
_favicon = login_not_required(RedirectView.as_view(url=static("img/favicon.svg")))

urlpatterns = [
    path("", include("reinstall.web.urls")),
    path("api/", include("reinstall.api.urls")),
    path("admin/login/", session.staff_sign_in),
    path("admin/logout/", session.sign_out),
    path("admin/", admin.site.urls),
    path("favicon.ico", _favicon),
    path(REPORTS.lstrip("/"), cspreports.take, name="csp-reports"),
]

handler400 = "reinstall.web.errors.bad_request"
handler403 = "reinstall.web.errors.forbidden"
handler404 = "reinstall.web.errors.not_found"
handler500 = "reinstall.web.errors.server_error"
