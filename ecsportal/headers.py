"""What browsers are told about every answer: pages, REST, files, streams, errors."""

from collections.abc import Callable

from csp.constants import NONCE, NONE, SELF, STRICT_DYNAMIC
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

REPORTS = "/csp-reports/"
_REPORTING = {"report-uri": [REPORTS], "report-to": ["csp"]}
_SHARED = {
    "default-src": [NONE],
    "style-src": [SELF],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "object-src": [NONE],
    "frame-ancestors": [NONE],
    **_REPORTING,
}
#: A script runs when its element carries this answer's nonce, or when such a script imports it. 'self' is for
#: browsers that do not know 'strict-dynamic'. Text becomes markup in static/js/markup.js and nowhere else.
POLICY = _SHARED | {
    "script-src": [NONCE, STRICT_DYNAMIC, SELF],
    "img-src": [SELF],
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["ecsportal"],
}
#: Django's admin brings scripts that know neither nonces nor Trusted Types; they are files of this host too.
ADMIN_POLICY = _SHARED | {"script-src": [SELF], "img-src": [SELF, "data:"]}
ADMIN = "/admin/"

#: What no page here needs. Copying and passkeys are for this origin's own pages.
PERMISSIONS = ", ".join(
    [
        *(
            f"{name}=()"
            for name in (
                *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen"),
                *("geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment"),
                *("picture-in-picture", "screen-wake-lock", "usb", "xr-spatial-tracking"),
            )
        ),
        "clipboard-write=(self)",
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)


class ContentPolicyMiddleware(CSPMiddleware):
    """The content security policy: one for our own pages and everything else, one for Django's admin."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        # Its sign-in page is one of ours.
        if request.path_info.startswith(ADMIN) and not getattr(request, "_csp_nonce", None):
            parts.config = parts.config or (None if report_only else ADMIN_POLICY)
        return parts


class BrowserHeadersMiddleware:
    """What django.middleware.security does not say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = PERMISSIONS
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Reporting-Endpoints"] = f'csp="{REPORTS}"'
        return response
