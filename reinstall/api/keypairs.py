"""REST: key pairs and KMS keys as last read from the cloud."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.documentation import describes_list
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.views import ApiView
from reinstall.selectors import keypairs


class KeyPairShape(serializers.Serializer[Any]):
    """A key pair. The private half is never here."""

    name = serializers.CharField()
    userid = serializers.CharField(help_text="The cloud user it belongs to: what userid of a spec must be.")
    project = serializers.CharField(source="project_slug")
    fingerprint = serializers.CharField()
    type = serializers.CharField(source="key_type")
    used_on = serializers.IntegerField(help_text="How many servers name it at the cloud.")
    seen_at = serializers.DateTimeField()


class KmsKeyShape(serializers.Serializer[Any]):
    """A key that may encrypt a system disk; only an enabled one can be chosen."""

    id = serializers.CharField(source="key_id")
    alias = serializers.CharField()
    project = serializers.CharField(source="project_slug")
    enabled = serializers.BooleanField()
    state = serializers.IntegerField(help_text="As the cloud numbers it; 2 is enabled.")
    is_default = serializers.BooleanField()
    seen_at = serializers.DateTimeField()


_PROJECT = Filter("project", "Slug of a project.")
KEY_PAIRS = ListKind(
    "key-pairs", KeyPairShape, (_PROJECT, Filter("userid", "Owner of the key pair.")), (), "name, fingerprint"
)
KMS_KEYS = ListKind("kms-keys", KmsKeyShape, (_PROJECT,), (), "alias, id")


class KeyPairList(ApiView):
    """Key pairs by owner and name."""

    @describes_list(KEY_PAIRS, "list_key_pairs", "Key pairs")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            KEY_PAIRS,
            lambda query, cursor, limit: keypairs.key_pair_page(
                actor, **query.values, cursor=cursor, limit=limit
            ),
        )


class KmsKeyList(ApiView):
    """KMS keys by alias."""

    @describes_list(KMS_KEYS, "list_kms_keys", "KMS keys")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            KMS_KEYS,
            lambda query, cursor, limit: keypairs.kms_key_page(
                actor, **query.values, cursor=cursor, limit=limit
            ),
        )
