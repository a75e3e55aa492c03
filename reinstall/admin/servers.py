"""The inventory, for staff to read."""

from django.contrib import admin

from reinstall.admin.readonly import ReadOnlyAdmin
from reinstall.models import Disk, KeyPair, Server


class DiskInline(admin.TabularInline[Disk, Server]):
    """The disks of a server, under it."""

    model = Disk
    extra = 0
    max_num = 0
    can_delete = False
    fields = ("device", "size_gb", "boot_index", "volume_id", "volume_type", "encrypted", "shareable")
    readonly_fields = fields


@admin.register(Server)
class ServerAdmin(ReadOnlyAdmin[Server]):
    """Servers as last read."""

    list_display = ("name", "id", "project", "status", "image_name", "seen_at", "gone_at")
    list_filter = ("status", "project", "temporary")
    search_fields = ("name", "search")
    date_hierarchy = "seen_at"
    list_select_related = ("project",)
    inlines = (DiskInline,)


@admin.register(KeyPair)
class KeyPairAdmin(ReadOnlyAdmin[KeyPair]):
    """Key pairs as last read."""

    list_display = ("name", "project", "userid", "fingerprint", "seen_at", "gone_at")
    list_filter = ("project",)
    search_fields = ("name", "userid", "fingerprint")
    list_select_related = ("project",)
