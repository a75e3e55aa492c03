"""Key pairs and KMS keys of the inventory."""

from datetime import datetime

from django.db import transaction

from ecsclient import keypairs, kms
from ecsclient.keypairs import KeyPairRecord
from ecsclient.kms import KmsKeyRecord
from reinstall.domain.redaction import plain_text
from reinstall.models import KeyPair, KmsKey, Project
from reinstall.services import links
from reinstall.services.inventory_reading import Reading

_MOST_STATE = 32_767


def sync_key_pairs(reading: Reading) -> None:
    """All key pairs the account sees, with their owners. Stored only where all could be read."""
    reading.begin("key pairs")
    found: list[KeyPairRecord] = []
    for record in keypairs.list_keypairs(reading.session):
        found.append(record)
        reading.progress(len(found), None)
    mine = KeyPair.objects.filter(project=reading.project)
    with transaction.atomic():
        for record in found:
            keep_key_pair(reading.project, record, reading.now)
        mine.filter(gone_at=None, seen_at__lt=reading.now).update(gone_at=reading.now)
    reading.report.key_pairs = len(found)


def sync_kms_keys(reading: Reading) -> None:
    """All KMS keys of the project. Stored only where all could be read."""
    if "kms" not in links.endpoints_of(reading.project):
        return
    reading.begin("KMS keys")
    found: list[KmsKeyRecord] = list(kms.list_keys(reading.session))
    mine = KmsKey.objects.filter(project=reading.project)
    with transaction.atomic():
        for record in found:
            keep_kms_key(reading.project, record, reading.now)
        mine.filter(gone_at=None, seen_at__lt=reading.now).update(gone_at=reading.now)
    reading.report.kms_keys = len(found)


def keep_key_pair(project: Project, record: KeyPairRecord, now: datetime) -> None:
    """The row of a key pair as it was just read."""
    KeyPair.objects.update_or_create(
        project=project,
        userid=plain_text(record.user_id or "", 64),
        name=plain_text(record.name, 255),
        defaults={
            "fingerprint": plain_text(record.fingerprint, 255),
            "key_type": plain_text(record.type, 20),
            "created_at": record.created,
            "seen_at": now,
            "gone_at": None,
        },
    )


def keep_kms_key(project: Project, record: KmsKeyRecord, now: datetime) -> None:
    """The row of a KMS key as it was just read."""
    KmsKey.objects.update_or_create(
        project=project,
        key_id=record.key_id,
        defaults={
            "alias": plain_text(record.alias, 255),
            "state": record.state if 0 <= record.state <= _MOST_STATE else 0,
            "is_default": record.default,
            "seen_at": now,
            "gone_at": None,
        },
    )
