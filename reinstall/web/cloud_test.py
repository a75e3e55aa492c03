"""The page that tests a connection: streamed step by step with JavaScript, one page after all without."""

import json
from collections.abc import AsyncIterator, Generator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from reinstall.domain.errors import NotAllowed, NotFound
from reinstall.selectors.clouds import project_card
from reinstall.services.connection import WRITES, Checked, CheckStep, check_connection
from reinstall.services.profiles import facts_of
from reinstall.services.trial import TITLES, Result
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.clouds import must_manage
from reinstall.web.errors import Missing, forbidden, translated

#: In the session: what the last test without JavaScript found, to be shown after the 303.
_KEPT = "cloud_test"
_WAITING, _GOING_ON = "waiting", "going_on"


@require_http_methods(["GET", "HEAD", "POST"])
@translated
def cloud_test(request: HttpRequest, slug: str) -> HttpResponse:
    """The steps as they will be, or as the test just made found them; a POST makes one."""
    actor = actor_of(request)
    if request.method == "POST":
        done = tuple(check_connection(actor=actor, now=timezone.now(), slug=slug))
        request.session[_KEPT] = {
            "slug": slug,
            "rows": [_row(step) for step in done],
            "result": _summary(done),
        }
        return see_other("cloud-test", slug)
    card = project_card(actor, slug)
    must_manage(card)
    scope.show(request, slug)
    kept = request.session.pop(_KEPT, None) if request.session.get(_KEPT) else None
    kept = kept if kept and kept["slug"] == slug else {"rows": _planned(), "result": {}}
    context = {
        "project": card.project,
        "may_sync": card.may_sync,
        "cloud": facts_of(card.cloud),
        "writes": WRITES,
        **kept,
    }
    answer = render(request, "reinstall/clouds/test.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def cloud_test_steps(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    """The test as it goes: lines of JSON, each with the parts of the page that are new."""
    try:
        steps = check_connection(actor=actor_of(request), now=timezone.now(), slug=slug)
    except NotFound as error:
        raise Missing(str(error)) from error
    except NotAllowed as error:
        return forbidden(request, error)
    answer = StreamingHttpResponse(_lines(steps), content_type="application/x-ndjson")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer


async def _lines(steps: Generator[CheckStep, None, None]) -> AsyncIterator[str]:
    done: list[CheckStep] = []
    try:
        yield _line({_id(_first()["name"]): _shown(_first())})
        # In the thread of the request, which has its database connection; the calls wait there, not here.
        while (step := await sync_to_async(_next)(steps)) is not None:
            done.append(step)
            following = _after(step.name)
            rows = [_row(step), *([following] if following else [])]
            yield _line({_id(row["name"]): _shown(row) for row in rows}, said=f"{step.title}: {step.result}")
        summary = _summary(done)
        parts: dict[str, str] = {
            "test-result": render_to_string("reinstall/clouds/_result.html", {"result": summary})
        }
        if not any(step.name in TITLES for step in done):
            parts["test-steps"] = _all_shown(done)
        yield _line(parts, said=summary["words"], done=True)
    finally:
        # The entry in the history is written here when somebody closed the page in the middle.
        await sync_to_async(steps.close)()


def _next(steps: Generator[CheckStep, None, None]) -> CheckStep | None:
    return next(steps, None)


def _line(html: dict[str, str], **more: Any) -> str:
    return json.dumps({"html": html, **more}) + "\n"


def _id(name: str) -> str:
    return f"step-{name}"


def _row(step: CheckStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "title": step.title,
        "state": str(step.result),
        "sentence": step.sentence,
        "duration_ms": step.duration_ms,
    }


def _planned() -> list[dict[str, Any]]:
    return [{"name": name, "title": title, "state": _WAITING} for name, title in TITLES.items()]


def _first() -> dict[str, Any]:
    return {**_planned()[0], "state": _GOING_ON}


def _after(name: str) -> dict[str, Any] | None:
    """The step that begins now."""
    names = [row["name"] for row in _planned()]
    if name not in names or name == names[-1]:
        return None
    return {**_planned()[names.index(name) + 1], "state": _GOING_ON}


def _shown(row: dict[str, Any]) -> str:
    return render_to_string("reinstall/clouds/_step.html", {"step": row})


def _all_shown(done: list[CheckStep]) -> str:
    return render_to_string("reinstall/clouds/_steps.html", {"rows": [_row(step) for step in done]})


def _summary(done: tuple[CheckStep, ...] | list[CheckStep]) -> dict[str, str]:
    """Tone, icon and words for the whole test."""
    failed = [step.title for step in done if step.result is Result.FAILED]
    if not Checked(tuple(done)).ok:
        return {"state": "failed", "words": f"Failed: {', '.join(failed)}."}
    warned = [step.title for step in done if step.result is Result.WARNED]
    if warned:
        return {"state": "warned", "words": f"The connection works. To know: {', '.join(warned)}."}
    return {"state": "passed", "words": "The connection works."}
