"""A person's own API tokens: listed, made, revoked."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from reinstall.domain.errors import RuleBroken
from reinstall.selectors.tokens import my_tokens
from reinstall.services.tokens import TokenRequest, create_token, revoke_token
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.token_forms import TokenForm


@require_http_methods(["GET", "HEAD", "POST"])
@translated
@sensitive_variables("secret")
def token_list(request: HttpRequest) -> HttpResponse:
    """The tokens; after a POST also the new one, this once."""
    form = _form(request, TokenForm(request.POST) if request.method == "POST" else None)
    secret = _made(request, form) if request.method == "POST" and form.is_valid() else ""
    return _page(request, _form(request) if secret else form, secret)


@translated
def shown_again(request: HttpRequest, why: str) -> HttpResponse:
    """The form as it was typed. Makes no token."""
    form = _form(request, TokenForm(request.POST))
    form.is_valid()
    form.add_error(None, why)
    return _page(request, form)


def _page(request: HttpRequest, form: TokenForm, secret: str = "") -> HttpResponse:
    context = {
        "form": form,
        "secret": secret,
        "tokens": my_tokens(actor_of(request)),
        "base": request.build_absolute_uri("/").rstrip("/"),
        "now": timezone.now(),
    }
    response = render(request, "reinstall/tokens/list.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _form(request: HttpRequest, form: TokenForm | None = None) -> TokenForm:
    """`form`, or an empty one, with the projects one may choose from."""
    form = form or TokenForm(initial={"scopes": ["read"]})
    projects = scope.projects_of(request, actor_of(request))
    form.offer_projects([(project.slug, project.name) for project in projects])
    return form


def _made(request: HttpRequest, form: TokenForm) -> str:
    said = form.cleaned_data
    try:
        made = create_token(
            actor=actor_of(request),
            now=timezone.now(),
            user=request.user,  # type: ignore[arg-type]
            request=TokenRequest(
                name=said["name"],
                scopes=said["scopes"],
                projects=said["projects"],
                days=said["days"],
                networks=said["networks"].replace(",", " ").split(),
            ),
        )
    except RuleBroken as broken:
        for error in broken.errors:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        return ""
    return made.secret


@require_POST
@translated
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Ends a token at once."""
    revoke_token(actor=actor_of(request), now=timezone.now(), token_id=token_id)
    return redirect("tokens")
