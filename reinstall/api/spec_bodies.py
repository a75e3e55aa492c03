"""REST: what is asked of a server, as orders and presets take it."""

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from rest_framework import serializers

from reinstall.api.bodies import Body, Flag, Text
from reinstall.domain.presets import Settings
from reinstall.domain.spec import base64_field

#: A login that is given takes the place of the preset's as a whole; so do a script and a word on encryption.
_TOGETHER = (
    ("keyname", "userid", "adminpass"),
    ("user_data", "user_data_base64"),
    ("encrypted", "cmkid"),
)


class SettingsBody(Body):
    """Settings of a reinstall; the names are those of the form."""

    keyname = Text(default="")
    userid = Text(default="")
    mode = Text(default="", help_text='"withStopServer", or left out.')
    byol = Flag(default=False)
    user_data = Text(required=False, help_text="The script as plain text, at most 32,768 bytes.")
    user_data_base64 = Text(required=False, help_text="The script in base64, in place of user_data.")
    encrypted = Flag(default=None, allow_null=True, help_text="null leaves it to the cloud.")
    cmkid = Text(default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "user_data" in attrs and "user_data_base64" in attrs:
            raise serializers.ValidationError(
                {"user_data_base64": "comes together with user_data; send one of them"}, "both"
            )
        return attrs


class SpecBody(SettingsBody):
    """What is asked of each server. With a preset, what is left out is as the preset says."""

    adminpass = Text(
        default="",
        help_text="A password in place of keyname, where the cloud has that: 8 to 26 characters of three "
        "kinds. Never shown again.",
    )


class SettingsShape(serializers.Serializer[Any]):
    """Settings as they are shown; the script only as size and SHA-256."""

    keyname = serializers.CharField()
    userid = serializers.CharField()
    mode = serializers.CharField()
    byol = serializers.BooleanField()
    encrypted = serializers.BooleanField(allow_null=True)
    cmkid = serializers.CharField()
    user_data_bytes = serializers.IntegerField()
    user_data_sha256 = serializers.CharField()


def settings_in(spec: dict[str, Any]) -> Settings:
    """A body's settings. Raises RuleBroken when user_data_base64 is not base64."""
    script = spec.get("user_data", "").encode() or base64_field(spec.get("user_data_base64", ""))
    return Settings(
        keyname=spec["keyname"],
        userid=spec["userid"],
        mode=spec["mode"],
        byol=spec["byol"],
        encrypted=spec["encrypted"],
        cmkid=spec["cmkid"],
        user_data=script,
    )


def with_preset(asked: Settings, given: Collection[str], preset: Settings) -> Settings:
    """`asked` where the body said it (`given`: the names in it), else what the preset says."""
    said = set(given)
    for group in _TOGETHER:
        if said & set(group):
            said |= set(group)
    names = {one.name for one in fields(Settings)}
    return replace(preset, **{name: getattr(asked, name) for name in names & said})
