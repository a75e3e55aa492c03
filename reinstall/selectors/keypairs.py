"""Key pairs and KMS keys as last read from the cloud."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.models import KeyPair, KmsKey, Project, Server
from reinstall.selectors.pages import Ordering, Page, page_of

_BY_OWNER = Ordering("userid", ("userid", "name", "id"))
_BY_ALIAS = Ordering("alias", ("alias", "key_id", "id"))


@dataclass(frozen=True, slots=True)
class KeyPairView:
    """A key pair; `userid` is the cloud user it belongs to, `used_on` counts the servers that name it."""

    name: str
    fingerprint: str
    key_type: str
    userid: str
    used_on: int
    seen_at: datetime
    gone: bool
    project_slug: str


@dataclass(frozen=True, slots=True)
class KmsKeyView:
    """A key that may encrypt a system disk; only an enabled one can be chosen."""

    key_id: str
    alias: str
    state: int
    enabled: bool
    is_default: bool
    seen_at: datetime
    gone: bool
    project_slug: str


def key_pairs(
    actor: Actor, project: Project | None = None, include_gone: bool = False
) -> tuple[KeyPairView, ...]:
    """All key pairs of a project (or of all visible ones), by owner and name."""
    rows = _key_pairs(actor, include_gone)
    if project is not None:
        rows = rows.filter(project=project)
    return _key_pair_views(rows.order_by("userid", "name", "id"))


def key_pair_page(
    actor: Actor, *, project: str = "", userid: str = "", q: str = "", cursor: str = "", limit: int = 50
) -> Page[KeyPairView]:
    """Key pairs that are there, by owner and name."""
    rows = _key_pairs(actor, include_gone=False)
    if project:
        rows = rows.filter(project__slug=project)
    if userid:
        rows = rows.filter(userid=userid)
    for word in q.split():
        rows = rows.filter(Q(name__icontains=word) | Q(fingerprint__icontains=word))
    return page_of(rows, _BY_OWNER, cursor=cursor, limit=limit, build=_key_pair_views)


def kms_keys(actor: Actor, project: Project) -> tuple[KmsKeyView, ...]:
    """The KMS keys of a project that are there, by alias."""
    return _kms_views(_kms_keys(actor).filter(project=project).order_by("alias", "key_id", "id"))


def kms_key_page(
    actor: Actor, *, project: str = "", q: str = "", cursor: str = "", limit: int = 50
) -> Page[KmsKeyView]:
    """KMS keys that are there, by alias."""
    rows = _kms_keys(actor)
    if project:
        rows = rows.filter(project__slug=project)
    for word in q.split():
        rows = rows.filter(Q(alias__icontains=word) | Q(key_id__icontains=word))
    return page_of(rows, _BY_ALIAS, cursor=cursor, limit=limit, build=_kms_views)


def _key_pairs(actor: Actor, include_gone: bool) -> QuerySet[KeyPair, KeyPair]:
    visible = Project.objects.visible_to(actor).values("pk")
    rows = KeyPair.objects.filter(project__in=visible).select_related("project")
    return rows if include_gone else rows.filter(gone_at=None)


def _kms_keys(actor: Actor) -> QuerySet[KmsKey, KmsKey]:
    visible = Project.objects.visible_to(actor).values("pk")
    return KmsKey.objects.filter(project__in=visible, gone_at=None).select_related("project")


def _key_pair_views(rows: QuerySet[KeyPair, KeyPair] | Sequence[KeyPair]) -> tuple[KeyPairView, ...]:
    found = list(rows)
    used = _used_on({pair.project_id for pair in found}, {pair.name for pair in found})
    return tuple(
        KeyPairView(
            name=pair.name,
            fingerprint=pair.fingerprint,
            key_type=pair.key_type,
            userid=pair.userid,
            used_on=used[pair.project_id, pair.name],
            seen_at=pair.seen_at,
            gone=pair.gone_at is not None,
            project_slug=pair.project.slug,
        )
        for pair in found
    )


def _used_on(projects: set[int], names: set[str]) -> Counter[tuple[int, str]]:
    """Servers name a key pair without its owner, so pairs of one name in one project share the number."""
    rows = Server.objects.filter(project__in=projects, keyname__in=names, gone_at=None).order_by()
    counted = rows.values_list("project_id", "keyname").annotate(count=Count("pk"))
    return Counter({(project, name): count for project, name, count in counted})


def _kms_views(rows: QuerySet[KmsKey, KmsKey] | Sequence[KmsKey]) -> tuple[KmsKeyView, ...]:
    return tuple(
        KmsKeyView(
            key_id=key.key_id,
            alias=key.alias,
            state=key.state,
            enabled=key.state == KmsKey.ENABLED,
            is_default=key.is_default,
            seen_at=key.seen_at,
            gone=key.gone_at is not None,
            project_slug=key.project.slug,
        )
        for key in rows
    )
