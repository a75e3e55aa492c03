"""Images as last read from the cloud, and what became of those that servers were made from."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models import Count, Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.models import Image, Project, Server
from reinstall.selectors.pages import Ordering, Page, page_of
from reinstall.selectors.projects import in_projects

_BY_NAME = Ordering("name", ("name", "image_id", "id"))
ACTIVE = "active"
#: More names than these are typed into the search, as image:NAME.
CHOICES = 30


@dataclass(frozen=True, slots=True)
class ImageView:
    """An image; `servers` counts the servers that were made from it and are still there."""

    image_id: str
    name: str
    image_type: str
    status: str
    os_type: str
    min_disk_gb: int | None
    cloud_init: bool
    cmkid: str
    servers: int
    seen_at: datetime
    gone_at: datetime | None
    project_slug: str


class MadeFromImage(Protocol):
    """A server, or a row of one, as far as its image is concerned."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def project_id(self) -> int: ...
    @property
    def image_id(self) -> str: ...


def image_states(
    servers: Iterable["MadeFromImage | Mapping[str, Any]"],
) -> dict[uuid.UUID, Image | None]:
    """Server -> the image it was made from, None where none is known here: one query, however many servers.

    Rows are objects with `id`, `project_id`, `image_id`, or mappings of these. See `is_gone`.
    """
    rows = [_facts(server) for server in servers]
    wanted = {(project, image) for _, project, image in rows if image}
    found = {
        (image.project_id, image.image_id): image
        for image in Image.objects.filter(
            project__in={project for project, _ in wanted}, image_id__in={image for _, image in wanted}
        ).order_by()
    }
    return {server: found.get((project, image)) for server, project, image in rows}


def image_state(server: "MadeFromImage | Mapping[str, Any]") -> Image | None:
    """As `image_states`, for one server."""
    return next(iter(image_states([server]).values()))


def is_gone(image: Image | None) -> bool:
    """Whether a reinstall would not find its image: the cloud does not know it any more, or it is not active.

    Of an image that was never read nothing is said.
    """
    return image is not None and (image.gone_at is not None or image.status not in ("", ACTIVE))


def image_names(actor: Actor, slug: str, *, also: str = "") -> tuple[str, ...]:
    """Names of images to filter servers by, the first CHOICES of them, and `also` whatever it is."""
    rows = in_projects(Image.objects.exclude(name=""), actor, slug)
    names = rows.order_by("name").values_list("name", flat=True).distinct()[:CHOICES]
    return tuple(sorted({*names, also} - {""}))


def _facts(server: "MadeFromImage | Mapping[str, Any]") -> tuple[uuid.UUID, int, str]:
    if isinstance(server, Mapping):
        return server["id"], server["project_id"], server["image_id"]
    return server.id, server.project_id, server.image_id


def image_page(  # noqa: PLR0913 - all by name
    actor: Actor,
    *,
    project: str = "",
    type: str = "",
    status: str = "",
    gone: str = "",
    q: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Page[ImageView]:
    """Images by name, those included that are gone; `gone` is yes or no, "" for both."""
    visible = Project.objects.visible_to(actor).values("pk")
    rows = Image.objects.filter(project__in=visible).select_related("project")
    exact = {"project__slug": project, "image_type": type, "status": status}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if gone:
        rows = rows.filter(gone_at__isnull=gone == "no")
    for word in q.split():
        rows = rows.filter(Q(name__icontains=word) | Q(image_id__icontains=word))
    return page_of(rows, _BY_NAME, cursor=cursor, limit=limit, build=_views)


def _views(rows: "QuerySet[Image, Image] | Sequence[Image]") -> tuple[ImageView, ...]:
    found = list(rows)
    made = _made_from({image.project_id for image in found}, {image.image_id for image in found})
    return tuple(
        ImageView(
            image_id=image.image_id,
            name=image.name,
            image_type=image.image_type,
            status=image.status,
            os_type=image.os_type,
            min_disk_gb=image.min_disk_gb,
            cloud_init=image.cloud_init,
            cmkid=image.cmkid,
            servers=made[image.project_id, image.image_id],
            seen_at=image.seen_at,
            gone_at=image.gone_at,
            project_slug=image.project.slug,
        )
        for image in found
    )


def _made_from(projects: set[int], images: set[str]) -> Counter[tuple[int, str]]:
    rows = Server.objects.filter(project__in=projects, image_id__in=images, gone_at=None).order_by()
    counted = rows.values_list("project_id", "image_id").annotate(count=Count("pk"))
    return Counter({(project, image): count for project, image, count in counted})
