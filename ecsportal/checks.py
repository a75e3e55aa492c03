"""`manage.py check --deploy`: what this product wants of an installation that others rely on.

Warnings are about what an operator may have decided on purpose, errors about what nobody would. Ids are kept
for good: they stand in people's notes.
"""

import sqlite3
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError

from reinstall.domain.addresses import wrong_endpoint
from reinstall.models import Cloud, Project, SystemFlag
from reinstall.models.clouds import Environment

#: As in reinstall/services/marks.py, whose rows are read here.
_DEPLOYMENT = "deployment"
#: Before it, RETURNING and a fix of WAL under many readers are missing.
_OLDEST_SQLITE = (3, 37)

Messages = Iterator[CheckMessage]


def _deploy(check: Callable[[], Messages]) -> Callable[[], Messages]:
    """Registers a check of --deploy; `check` takes nothing and yields what is wrong."""

    @register("ecsportal", deploy=True)
    def run(app_configs: object, **kwargs: object) -> list[CheckMessage]:
        try:
            return list(check())
        except DatabaseError:
            # Before the first migration there are no rows to judge, and `check` must not need a database.
            return []

    return check


@_deploy
def keys() -> Messages:
    for name in settings.MADE_HERE:
        yield Warning(
            f"{name} was made by the portal itself and lies beside its database.",
            hint=f"Set {name}_FILE to a file of its own, which is backed up elsewhere than the database.",
            id="ecsportal.W010",
        )


@_deploy
def deployment() -> Messages:
    flag = SystemFlag.objects.filter(name=_DEPLOYMENT).first()
    if flag is not None and flag.value.get("id") != settings.DEPLOYMENT_ID:
        yield Error(
            f"The database is that of {flag.value.get('id')!r}, not of {settings.DEPLOYMENT_ID!r}.",
            hint="A copy must not act on the original's servers: see `manage.py after_restore`.",
            id="ecsportal.E011",
        )


@_deploy
def faults() -> Messages:
    if settings.FAULT_INJECTION:
        yield Error("Fault injection is on: it kills this portal's processes.", id="ecsportal.E012")


@_deploy
def endpoints() -> Messages:
    if settings.ALLOW_PRIVATE_ENDPOINTS:
        yield Warning(
            "Endpoints of clouds may be http:// or private addresses.",
            hint="Unset ECSPORTAL_ALLOW_PRIVATE_ENDPOINTS, unless your cloud is in your own network.",
            id="ecsportal.W013",
        )
    lax = Project.objects.filter(environment=Environment.SIMULATOR).values("cloud")
    for cloud in Cloud.objects.exclude(pk__in=lax):
        wrong = [name for name, url in cloud.endpoints.items() if wrong_endpoint(str(url), lax=False)]
        if wrong and not settings.ALLOW_PRIVATE_ENDPOINTS:
            yield Error(
                f"Endpoints of {cloud} are no public https addresses: {', '.join(sorted(wrong))}.",
                hint="Declare that by ECSPORTAL_ALLOW_PRIVATE_ENDPOINTS, or correct the endpoints.",
                id="ecsportal.E014",
            )


@_deploy
def simulators() -> Messages:
    names = list(Project.objects.filter(environment=Environment.SIMULATOR).values_list("slug", flat=True)[:5])
    if names:
        yield Warning(
            f"Projects of a simulated cloud are in this database: {', '.join(names)}.",
            hint="Their endpoints may be plain http. Keep them in an installation of their own.",
            id="ecsportal.W015",
        )


@_deploy
def queue() -> Messages:
    in_memory = settings.BROKER_URL.startswith("memory")
    if settings.ON_SQLITE and not in_memory:
        yield Warning(
            "SQLite with a queue that other hosts can reach: workers elsewhere would have another database.",
            hint="Set ECSPORTAL_DATABASE_URL to a PostgreSQL that all hosts share.",
            id="ecsportal.W016",
        )
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    if not in_memory and not (options.get("socket_timeout") or options.get("read_timeout")):
        yield Error(
            "The queue is waited for without end: a form would hang with it.",
            hint="CELERY_BROKER_TRANSPORT_OPTIONS needs socket_timeout (Redis) or read_timeout (RabbitMQ).",
            id="ecsportal.E017",
        )


@_deploy
def address() -> Messages:
    https = settings.BASE_URL.startswith("https://")
    if not https:
        yield Warning(
            "ECSPORTAL_BASE_URL is no https address: cookies and passwords cross the network as they are.",
            hint="Put a proxy with TLS in front, and set ECSPORTAL_BASE_URL to what people type.",
            id="ecsportal.W018",
        )
    if settings.TRUST_PROXY and not https:
        yield Error(
            "A proxy is trusted (ECSPORTAL_TRUST_PROXY), and people do not reach it by https.",
            hint="Whoever reaches the portal past the proxy could claim any address. Set ECSPORTAL_BASE_URL.",
            id="ecsportal.E019",
        )
    wide = [host for host in settings.ALLOWED_HOSTS if host == "*" or host.startswith(".")]
    if wide:
        yield Error(
            f"ECSPORTAL_ALLOWED_HOSTS is a pattern: {', '.join(wide)}.",
            hint="Name each host: links in answers are made of what the request claims.",
            id="ecsportal.E020",
        )


@_deploy
def policy() -> Messages:
    if not settings.CONTENT_SECURITY_POLICY or getattr(settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY", None):
        yield Error(
            "The content security policy only reports, or is not there.",
            hint="Set CONTENT_SECURITY_POLICY, and no CONTENT_SECURITY_POLICY_REPORT_ONLY.",
            id="ecsportal.E021",
        )


@_deploy
def sqlite() -> Messages:
    if settings.ON_SQLITE and sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        yield Error(
            f"SQLite {sqlite3.sqlite_version} is older than {'.'.join(map(str, _OLDEST_SQLITE))}.",
            hint="Use a Python built with a newer one, or PostgreSQL.",
            id="ecsportal.E022",
        )


@_deploy
def decisions() -> Messages:
    if settings.SECOND_PERSON == "never":
        yield Warning(
            "One person alone frees a server by saying that its reinstall never started.",
            hint="Set ECSPORTAL_SECOND_PERSON to production or always.",
            id="ecsportal.W023",
        )
    if not settings.BREAKER:
        yield Warning(
            "The engine goes on after unclear answers of a cloud (ECSPORTAL_BREAKER is false).",
            hint="Unset ECSPORTAL_BREAKER.",
            id="ecsportal.W024",
        )
    if settings.DEBUG:
        yield Error(
            "Tracebacks with settings and rows are shown to visitors (ECSPORTAL_DEBUG).",
            hint="Unset ECSPORTAL_DEBUG.",
            id="ecsportal.E025",
        )
