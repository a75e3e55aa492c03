"""What every REST view has in common."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from reinstall.api.authentication import BrowserSession, SignedIn, TokenAuthentication
from reinstall.api.bodies import JsonBody
from reinstall.api.throttle import Throttled
from reinstall.domain.errors import NotFound


class _OneFormat(BaseContentNegotiation):
    """The address says what comes back; an Accept header (of an EventSource, say) does not change it."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, str(first.media_type)


class ApiView(Throttled):
    """Signed in by token or session, JSON in, JSON out, errors as problem documents."""

    authentication_classes = [TokenAuthentication, BrowserSession]
    permission_classes = [SignedIn]
    parser_classes = [JsonBody]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = _OneFormat
    metadata_class = None


class UnknownAddress(ApiView):
    """Every address under /api/ that is none: a problem document, not a page."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing at this address. Addresses of this interface end with a slash.")
