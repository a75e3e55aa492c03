"""REST: images as last read from the cloud."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.documentation import describes_list
from reinstall.api.lists import Filter, ListKind, answer_list
from reinstall.api.views import ApiView
from reinstall.selectors import images


class ImageShape(serializers.Serializer[Any]):
    """An image. A reinstall takes the image its server was made from; where that is gone there is none."""

    id = serializers.CharField(source="image_id")
    name = serializers.CharField()
    project = serializers.CharField(source="project_slug")
    type = serializers.CharField(source="image_type", help_text="gold (public), private or shared.")
    status = serializers.CharField(help_text="As the cloud says; only an active one can be used.")
    os_type = serializers.CharField()
    min_disk_gb = serializers.IntegerField(allow_null=True)
    cloud_init = serializers.BooleanField(help_text="Whether Cloud-Init puts keys and user data in.")
    cmkid = serializers.CharField(help_text="The KMS key of an encrypted image, else empty.")
    servers = serializers.IntegerField(help_text="How many servers were made from it.")
    seen_at = serializers.DateTimeField()
    gone_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when the cloud does not know it any more."
    )


IMAGES = ListKind(
    "images",
    ImageShape,
    (
        Filter("project", "Slug of a project."),
        Filter("type", "gold (public), private or shared.", choices=("gold", "private", "shared")),
        Filter("status", "As the cloud says it, for example active."),
        Filter(
            "gone", "yes: only those the cloud does not know any more; no: the others.", choices=("yes", "no")
        ),
    ),
    (),
    "name, id",
)


class ImageList(ApiView):
    """Images by name."""

    @describes_list(IMAGES, "list_images", "Images")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)
        return answer_list(
            request,
            IMAGES,
            lambda query, cursor, limit: images.image_page(actor, **query.values, cursor=cursor, limit=limit),
        )
