"""Images of the inventory: the project's own and shared ones, and what its servers were made from."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from ecsclient import images
from ecsclient.images import ImageRecord
from reinstall.domain.redaction import plain_text
from reinstall.models import Image, Server
from reinstall.services import links
from reinstall.services.inventory_reading import Reading, whole

#: What is listed; public images are many, and only those that servers were made from are of interest.
LISTED = ("private", "shared")
#: Images read one by one, at most; more than any project was made from.
MOST_SINGLE = 2000
DELETED = "deleted"


def sync_images(reading: Reading) -> None:
    """Reads the images. One that a server was made from and the cloud does not know any more gets a row too:
    such a server cannot be reinstalled."""
    if "ims" not in links.endpoints_of(reading.project):
        return
    reading.begin("images")
    found: dict[str, ImageRecord] = {}
    whole_lists = True
    for kind in LISTED:
        for page in images.image_pages(reading.session, kind):
            found |= {record.id: record for record in page.records}
            whole_lists &= not page.unreadable
            reading.unreadable("images", page.unreadable)
            reading.progress(len(found), None)
    used = _used(reading)
    gone: set[str] = set()
    for image_id in [name for name in used if name not in found][:MOST_SINGLE]:
        record = _one(reading, image_id)
        if record is None:
            gone.add(image_id)
        else:
            found[record.id] = record
        reading.progress(len(found), None)
    with transaction.atomic():
        _store(reading, found.values(), {image_id: used[image_id] for image_id in gone})
        mine = Image.objects.filter(project=reading.project, gone_at=None, seen_at__lt=reading.now)
        if whole_lists:
            # A public image that no server is made from any more is not read, so nothing is known of it.
            mine.filter(image_type__in=LISTED).update(gone_at=reading.now)
    reading.report.images = len(found)


def _used(reading: Reading) -> dict[str, str]:
    """Image -> its name, of those that servers of the project were made from."""
    rows = Server.objects.filter(project=reading.project, gone_at=None).exclude(image_id="").order_by()
    return dict(rows.values_list("image_id", "image_name").distinct())


def _one(reading: Reading, image_id: str) -> ImageRecord | None:
    try:
        return images.get_image(reading.session, image_id)
    except ValueError:
        # No id at all, so there is no such image.
        return None


def _store(reading: Reading, found: Iterable[ImageRecord], gone: dict[str, str]) -> None:
    known = {row.image_id: row for row in Image.objects.filter(project=reading.project)}
    new: list[Image] = []
    changed: list[Image] = []
    values = {record.id: image_columns(record) for record in found}
    for image_id, name in gone.items():
        before = known.get(image_id)
        kept = {} if before is not None else {"name": plain_text(name, 255)}
        since = before.gone_at if before is not None else None
        values[image_id] = {**kept, "status": DELETED, "gone_at": since or reading.now}
    for image_id, columns in values.items():
        row = known.get(image_id)
        if row is None:
            row = Image(project=reading.project, image_id=image_id)
            new.append(row)
        else:
            changed.append(row)
        for name, value in columns.items():
            setattr(row, name, value)
        row.seen_at = reading.now
    Image.objects.bulk_create(new)
    Image.objects.bulk_update(changed, [*_COLUMNS, "seen_at"])


_COLUMNS = (
    "name",
    "status",
    "image_type",
    "os_type",
    "min_disk_gb",
    "cloud_init",
    "cmkid",
    "gone_at",
)


def image_columns(record: ImageRecord) -> dict[str, Any]:
    """The columns of an image's row that the cloud tells, cut to what they hold."""
    return {
        "name": plain_text(record.name, 255),
        "status": plain_text(record.status, 20),
        "image_type": plain_text(record.image_type, 20),
        "os_type": plain_text(record.os_type, 40),
        "min_disk_gb": whole(record.min_disk_gb),
        "cloud_init": record.supports_cloud_init,
        "cmkid": plain_text(record.cmkid, 64),
        "gone_at": None,
    }
