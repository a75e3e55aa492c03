"""Opens sessions to a project's cloud, and notes the calls that are made for a job."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

from ecsclient.addresses import AddressRule, any_other
from ecsclient.auth import AkSk, PasswordLogin, TokenSource
from ecsclient.profiles import PASSWORD, USER_DATA, Profile, get_profile
from ecsclient.session import CloudSession, Exchange
from reinstall.domain.addresses import why_private
from reinstall.domain.callversions import CloudCalls
from reinstall.domain.spec import Limits
from reinstall.models import Cloud, Environment, Project
from reinstall.services import vault

#: What people read where a CannotOpen ended a step.
SEALED_SHUT = (
    "The credentials of this project do not open: ECSPORTAL_ENCRYPTION_KEYS lacks the key they were sealed "
    "with, or the row was changed. Nothing was asked of the cloud."
)
SERVICES = ("iam", "ecs", "evs", "ims", "kms", "cts")


@dataclass
class _PerThread(threading.local):
    """Sessions are kept per thread: a connection that is alive saves most of a call's cost."""

    sessions: dict[tuple[int, int, str, bool], CloudSession] = field(default_factory=dict)
    listener: Callable[[Exchange], None] | None = None
    payer: Callable[[], None] | None = None


_local = _PerThread()
#: One token for all threads of the process: sign-ins are counted by the cloud.
_tokens: dict[tuple[int, int, str], TokenSource] = {}
_signing_in = threading.Lock()


def credentials_place(project: Project) -> str:
    """Where a project's credentials are sealed for."""
    return f"project:credentials:{project.pk}"


def profile_of(project: Project) -> Profile:
    """How the project's cloud behaves."""
    return get_profile(project.cloud.profile)


def limits_of(project: Project) -> Limits:
    """What the project's cloud lets a reinstall ask for."""
    profile = profile_of(project)
    return Limits(
        cloud_title=profile.title,
        allows_mode=profile.allows_mode,
        allows_byol=profile.allows_byol,
        allows_encryption=profile.allows_encryption,
        user_data_only=USER_DATA in profile.login_modes,
        allows_password=PASSWORD in profile.login_modes,
        password_note=profile.notes.get("adminpass", ""),
    )


def calls_of(project: Project) -> CloudCalls:
    """Which calls the project's cloud has for a reinstall."""
    profile = profile_of(project)
    return CloudCalls(profile.title, profile.has_v1, profile.notes.get("v1", ""))


def endpoints_of(project: Project) -> dict[str, str]:
    """Base URL by service: the project's own where given, else what profile and region say."""
    return endpoints_in(project.cloud)


def endpoints_in(cloud: Cloud) -> dict[str, str]:
    """As `endpoints_of`, for a cloud."""
    profile = get_profile(cloud.profile)
    found = {name: profile.endpoint(name, cloud.region) for name in SERVICES}
    return {name: url for name, url in found.items() if url} | dict(cloud.endpoints)


def may_be_private(environment: str) -> bool:
    """Whether a cloud of that environment may stand in a private network, or speak plain http."""
    return environment == Environment.SIMULATOR or settings.ALLOW_PRIVATE_ENDPOINTS


def refuses(project: Project) -> AddressRule:
    """Which addresses are not connected to, asked each time a connection is opened: what a name meant when it
    was written down may not be what it means now."""
    return any_other if may_be_private(project.environment) else why_private


def session_of(project: Project, *, patient: bool = True) -> CloudSession:
    """This thread's session in `project`. Raises CannotOpen when the credentials do not open.

    `patient`: waits a few seconds inside a call that was throttled. The engine does not; it has a budget.
    """
    rule = refuses(project)
    where = repr([rule.__name__, *sorted(project.cloud.endpoints.items())])
    key = (project.pk, project.credential_version, where)
    session = _local.sessions.get((*key, patient))
    if session is None:
        session = CloudSession(
            endpoints=endpoints_of(project),
            project_id=project.project_id,
            credentials=_credentials(project, key),
            on_exchange=_heard,
            patient=patient,
            refuses=rule,
            before_call=_paid,
        )
        _local.sessions[(*key, patient)] = session
    return session


def _credentials(project: Project, key: tuple[int, int, str]) -> AkSk | TokenSource:
    login = _login(project.credential_kind, open_credentials(project))
    if isinstance(login, AkSk):
        return login
    with _signing_in:
        if key not in _tokens:
            _tokens[key] = TokenSource(
                endpoint=endpoints_of(project)["iam"],
                login=login,
                project_id=project.project_id,
                on_exchange=_heard,
                refuses=refuses(project),
            )
        return _tokens[key]


def open_credentials(project: Project) -> Mapping[str, str]:
    """The stored credentials in the clear. Raises CannotOpen."""
    return vault.open_record(bytes(project.credentials_sealed), place=credentials_place(project))


def trial_session(project: Project, *, kind: str, record: Mapping[str, str]) -> CloudSession:
    """A session of its own with credentials that need not be those stored; it signs in for itself.

    For whoever asks whether credentials work: a token that is still good would prove nothing.
    """
    return CloudSession(
        endpoints=endpoints_of(project),
        project_id=project.project_id,
        credentials=_login(kind, record),
        timeout=(5, 15),
        on_exchange=_heard,
        refuses=refuses(project),
    )


def _login(kind: str, record: Mapping[str, str]) -> AkSk | PasswordLogin:
    if kind == "aksk":
        return AkSk(record["access_key"], record["secret_key"], record.get("security_token", ""))
    return PasswordLogin(record["user"], record["password"], record["domain"])


def sign_in_anew(project: Project) -> None:
    """A person asks whether the credentials work: a refusal of a moment ago is no answer to that."""
    with _signing_in:
        for key, source in _tokens.items():
            if key[0] == project.pk:
                source.try_again()


def _heard(exchange: Exchange) -> None:
    if _local.listener is not None:
        _local.listener(exchange)


@contextmanager
def listening(listener: Callable[[Exchange], None]) -> Iterator[None]:
    """While this is open, `listener` hears each call this thread makes."""
    before, _local.listener = _local.listener, listener
    try:
        yield
    finally:
        _local.listener = before


def _paid() -> None:
    if _local.payer is not None:
        _local.payer()


@contextmanager
def paying(payer: Callable[[], None]) -> Iterator[None]:
    """While this is open, `payer` is called before each call of this thread; it may wait, or raise."""
    before, _local.payer = _local.payer, payer
    try:
        yield
    finally:
        _local.payer = before


def forget_sessions() -> None:
    """Drops this thread's sessions and the process's tokens (tests, rotated credentials)."""
    _local.sessions.clear()
    _tokens.clear()
