"""Writes what a glance at the cloud brought into the rows of the inventory."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from ecsclient.images import ImageRecord
from ecsclient.keypairs import KeyPairRecord
from ecsclient.kms import KmsKeyRecord
from ecsclient.servers import ServerRecord
from ecsclient.volumes import VolumeRecord
from reinstall.domain.identity import ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.models import Disk, Image, KeyPair, KmsKey, Project, Server
from reinstall.services.inventory_disks import store_disks, volume_columns
from reinstall.services.inventory_images import image_columns
from reinstall.services.inventory_keys import keep_key_pair, keep_kms_key
from reinstall.services.inventory_servers import search_text
from reinstall.services.readings import attached_columns


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one project, as of `now`. Each method takes an answer; None says there is no such thing."""

    project: Project
    now: datetime

    def nothing(self, _: object) -> None:
        """For answers that have no row."""

    def key_pair(self, name: str, found: object) -> None:
        """The key pair of that name, for the user who asked; other people's of the same name stay."""
        if isinstance(found, KeyPairRecord):
            return keep_key_pair(self.project, found, self.now)
        rows = KeyPair.objects.filter(project=self.project, name=name, gone_at=None)
        rows.update(gone_at=self.now)

    def kms_key(self, key_id: str, found: object) -> None:
        """The KMS key of that id."""
        if isinstance(found, KmsKeyRecord):
            return keep_kms_key(self.project, found, self.now)
        rows = KmsKey.objects.filter(project=self.project, key_id=key_id, gone_at=None)
        rows.update(gone_at=self.now)

    def image(self, image_id: str, found: object) -> None:
        """The image of that id; one that is not listed any more keeps what was known of it."""
        if not isinstance(found, ImageRecord):
            Image.objects.update_or_create(
                project=self.project,
                image_id=image_id,
                defaults={"gone_at": self.now},
                create_defaults={"gone_at": self.now, "seen_at": self.now},
            )
            return
        Image.objects.update_or_create(
            project=self.project,
            image_id=image_id,
            defaults=image_columns(found) | {"seen_at": self.now},
        )

    def server(self, server: Server, found: object) -> None:
        """State, name, addresses and attached disks of one server."""
        if not isinstance(found, tuple):
            Server.objects.filter(pk=server.pk, gone_at=None).update(gone_at=self.now)
            return
        facts, record = found
        assert isinstance(facts, ServerFacts), facts
        assert isinstance(record, ServerRecord), record
        with transaction.atomic():
            older = Server.objects.filter(pk=server.pk, seen_at__lte=self.now)
            taken = older.update(
                name=facts.name,
                search=search_text(record),
                status=plain_text(facts.status, 40),
                task_state=plain_text(facts.task_state, 60),
                keyname=plain_text(facts.keyname, 255),
                addresses=list(facts.addresses),
                image_id=plain_text(facts.image_id, 64),
                locked=record.locked,
                tags=list(record.tags),
                seen_at=self.now,
                gone_at=None,
            )
            if not taken:
                # The engine, or a sync, has looked since this one began: that is the fresher word.
                return
            store_disks(server, [attached_columns(disk) for disk in facts.disks])
            # The server tells the type of its image also when that is gone; it says what its absence means.
            gone = Image.objects.filter(project=self.project, image_id=facts.image_id).exclude(gone_at=None)
            gone.update(image_type=plain_text(record.image_type, 20))

    def disks(self, server: Server, found: object) -> None:
        """Encryption and sharing of the disks that are attached."""
        for volume in found if isinstance(found, list) else ():
            assert isinstance(volume, VolumeRecord), volume
            Disk.objects.filter(server=server, volume_id=volume.id).update(**volume_columns(volume))

    def snapshots(self, disk: Disk, found: object) -> None:
        """How many snapshots the disk has."""
        Disk.objects.filter(pk=disk.pk).update(snapshots=found if isinstance(found, int) else None)
