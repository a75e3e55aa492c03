"""The form of a preset: the settings of a reinstall, without what belongs to one server or one moment."""

from typing import Any

from django import forms

from reinstall.domain.presets import Settings
from reinstall.services.preset_use import InUse
from reinstall.web.forms import BYOL, ENCRYPTED, TEXT, ReinstallForm, Text
from reinstall.web.preset_choice import form_values

#: What a reinstall asks for besides: it belongs to one moment.
_NOT_HERE = ("login", "adminpass", "reason", "confirm", "preset")


class PresetForm(ReinstallForm):
    """A new preset, or a new version of one. Field names are those of the API."""

    name = Text(
        required=False,
        strip=False,
        label="Name",
        help_text="What people choose it by, like base-hardening.",
        widget=forms.TextInput({**TEXT, "maxlength": 60, "aria-describedby": "id_name-hint"}),
    )
    note = Text(
        required=False,
        label="What is new, and why",
        help_text="Stands beside the version in its list.",
        widget=forms.TextInput({**TEXT, "maxlength": 500, "aria-describedby": "id_note-hint"}),
    )
    base = forms.IntegerField(required=False, widget=forms.HiddenInput())

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        for name in _NOT_HERE:
            del self.fields[name]

    def settings(self) -> Settings:
        """What was typed; call after `is_valid`."""
        said = self.cleaned_data
        return Settings(
            keyname=said.get("keyname", ""),
            userid=said.get("userid", "") if said.get("keyname") else "",
            mode=said.get("mode", ""),
            byol=BYOL[said.get("byol", "")],
            encrypted=ENCRYPTED[said.get("encrypted", "")],
            cmkid=said.get("cmkid", ""),
            user_data=said.get("script", b""),
        )


def first_values(used: InUse | None) -> dict[str, Any]:
    """What a form starts with: nothing said, or what a version says; its script is used, unseen."""
    if used is None:
        return {"user_data_source": "none", "encrypted": "", "byol": "false", "mode": "withStopServer"}
    said = used.settings
    source = {"user_data_source": "preset" if said.user_data else "none"}
    return form_values(said) | source | {"base": used.version.number}
