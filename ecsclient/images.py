"""Images. Source: Image Management Service API reference, "Querying Images" and "Image Attributes"."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ecsclient.fields import JsonObject, demand, objects, path_id, required_id, text, whole
from ecsclient.listing import ListPage, page_of
from ecsclient.session import CloudSession

_PAGE: Final = 500
_MOST_PAGES: Final = 200


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image. `status` active, queued, saving, deleted or killed; `image_type` gold, private, shared;
    `supports_cloud_init` decides between the v2 call (true) and the v1 call. `cmkid` is the key of an
    encrypted image, "" for none."""

    id: str
    name: str
    status: str
    image_type: str
    supports_cloud_init: bool
    os_type: str
    platform: str
    min_disk_gb: int
    visibility: str
    owner: str
    cmkid: str = ""


def parse_image(image: JsonObject) -> ImageRecord:
    """An `image` object. Raises BadAnswer naming a field of an undocumented type."""
    return ImageRecord(
        id=required_id(image, "id"),
        name=text(image, "name"),
        status=text(image, "status"),
        image_type=text(image, "__imagetype"),
        # The attribute is inverted: "true" says that injection by Cloud-Init is NOT supported.
        supports_cloud_init=text(image, "__support_fc_inject") != "true",
        os_type=text(image, "__os_type"),
        platform=text(image, "__platform"),
        min_disk_gb=whole(image, "min_disk") or 0,
        visibility=text(image, "visibility"),
        owner=text(image, "owner"),
        cmkid=text(image, "__system__cmkid"),
    )


def get_image(session: CloudSession, image_id: str) -> ImageRecord | None:
    """The image of that id, or None: the cloud answers for a deleted image with an empty list."""
    image_id = path_id(image_id, "image_id")
    answer = session.get("ims", "/v2/cloudimages", {"id": image_id})
    demand(answer, "images")
    for entry in objects(answer, "images"):
        if entry.get("id") == image_id:
            return parse_image(entry)
    return None


def image_pages(session: CloudSession, image_type: str) -> Iterator[ListPage[ImageRecord]]:
    """The images of one type (gold, private or shared) that the project sees, page by page."""
    seen: set[str] = set()
    marker = ""
    for _ in range(_MOST_PAGES):
        params: dict[str, str | int] = {"__imagetype": image_type, "limit": _PAGE}
        answer = session.get("ims", "/v2/cloudimages", params | ({"marker": marker} if marker else {}))
        page = page_of(answer, "images", seen, parse_image)
        yield page
        if page.entries < _PAGE or page.fresh == 0 or not page.records:
            return
        marker = page.records[-1].id
