"""REST: its own OpenAPI document."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from reinstall.api.versions import etag_of, names_version
from reinstall.api.views import ApiView

_MEDIA_TYPE = "application/vnd.oai.openapi+json"


class OpenApiDocument(ApiView):
    """The document itself, for whoever is signed in; the same until the portal is another version."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        raw, etag = _written()
        if names_version(request, "If-None-Match", etag):
            return HttpResponse(status=304, headers={"ETag": etag})
        headers = {"ETag": etag, "Content-Disposition": 'inline; filename="ecsportal-openapi.json"'}
        return HttpResponse(raw, content_type=_MEDIA_TYPE, headers=headers)


@cache
def _written() -> tuple[bytes, str]:
    """The document and its ETag, made once for each process: it takes a third of a second."""
    generator: Any = SchemaGenerator
    document = generator().get_schema(request=None, public=True)
    raw = json.dumps(document, indent=1, ensure_ascii=False).encode()
    return raw, etag_of(raw)
