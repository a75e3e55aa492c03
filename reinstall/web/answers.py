"""Answers that several pages give."""

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse


def see_other(page: str, *args: object, query: str = "") -> HttpResponse:
    """303: what was asked for is done, and this page shows it; loading it again does nothing anew."""
    answer = HttpResponseRedirect(reverse(page, args=args) + (f"?{query}" if query else ""))
    answer.status_code = 303
    return answer
