"""Forms: they read what was typed; what may be asked for is decided in domain.spec and in the services."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.validators import ProhibitNullCharactersValidator

from reinstall.domain.errors import FieldError
from reinstall.domain.spec import USER_DATA_MAX_BYTES, typed_text
from reinstall.services.orders import OrderRequest

#: No script is near this; a file beyond it is not read into memory to say so.
FILE_READ_MAX = 1_000_000
TEXT = {"class": "in", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
MONO = {**TEXT, "class": "in mono"}
ENCRYPTED = {"": None, "0": False, "1": True}
#: Left out is false, as in REST. Nothing else is guessed: it goes into a request that wipes a disk.
BYOL = {"": False, "false": False, "true": True}


class RefusedForm(forms.Form):
    """A form a service may refuse: what it said stands beside the fields it is about."""

    def add_refusals(self, errors: tuple[FieldError, ...]) -> None:
        """Puts each refusal beside its field; what belongs to none stands on top."""
        for error in errors:
            field = error.field if error.field in self.fields else None
            if error.message not in self.errors.get(field or NON_FIELD_ERRORS, ()):
                self.add_error(field, error.message)
        self.mark_wrong_fields()

    def mark_wrong_fields(self) -> None:
        """Wrong fields say so to screen readers, and point to the sentence."""
        for name in self.errors:
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                attrs["aria-invalid"] = "true"
                described = f"{self[name].auto_id}-error {attrs.get('aria-describedby', '')}"
                attrs["aria-describedby"] = described.strip()


class Text(forms.CharField):
    """A text whose NUL characters are refused by the rule for its field, in the same words as elsewhere."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators = [v for v in self.validators if not isinstance(v, ProhibitNullCharactersValidator)]


class ReinstallForm(RefusedForm):
    """The reinstall of one server. Field names are those of the API."""

    #: Fields whose values say nothing. What would be sent cannot be shown as long as there is one.
    unread: tuple[FieldError, ...] = ()

    keyname = Text(required=False, label="Key pair", widget=forms.TextInput(MONO))
    userid = Text(
        required=False,
        label="User ID the key pair belongs to",
        help_text="32 characters, 0-9 and a-f.",
        widget=forms.TextInput({**MONO, "aria-describedby": "id_userid-hint"}),
    )
    user_data_source = forms.ChoiceField(
        required=False,
        choices=[("none", "None"), ("write", "Write"), ("upload", "Upload")],
        error_messages={"invalid_choice": "The source of the script is none, write or upload."},
    )
    user_data = Text(
        required=False,
        strip=False,
        label="First-boot script",
        widget=forms.Textarea(
            {
                "rows": 9,
                "spellcheck": "false",
                "aria-label": "First-boot script",
                "wrap": "off",
                "aria-describedby": "script-size script-read",
            }
        ),
    )
    user_data_file = forms.FileField(
        required=False, allow_empty_file=True, label="Script file", widget=forms.FileInput({"class": "in"})
    )
    encrypted = forms.ChoiceField(
        required=False,
        label="System disk encryption",
        choices=[("", "Leave it out"), ("0", "Do not encrypt"), ("1", "Encrypt with a KMS key")],
        error_messages={"invalid_choice": 'Encryption is "1", "0" or left out.'},
    )
    cmkid = Text(required=False, label="KMS key", widget=forms.TextInput(MONO))
    byol = forms.ChoiceField(
        required=False,
        label="License",
        choices=[("false", "From the cloud"), ("true", "Your own")],
        error_messages={"invalid_choice": "byol is true or false."},
    )
    mode = Text(required=False, label="If the server is running")
    reason = Text(
        required=False,
        label="Reason",
        help_text="Kept in the audit log. A ticket number is enough.",
        widget=forms.TextInput({"class": "in", "aria-describedby": "id_reason-hint", "maxlength": 500}),
    )
    confirm = Text(
        required=False, label="Server name", widget=forms.TextInput({**MONO, "class": "in mono w340"})
    )

    def clean(self) -> dict[str, object]:
        """Reads the script's bytes, so that they are read once."""
        cleaned: dict[str, object] = super().clean() or {}
        cleaned["script"] = self._script(cleaned)
        self.unread = tuple(
            FieldError(name, str(message), "choice")
            for name, messages in self.errors.items()
            for message in messages
        )
        return cleaned

    def _script(self, cleaned: dict[str, object]) -> bytes:
        typed = str(cleaned.get("user_data") or "")
        upload = self.files.get("user_data_file")
        source = cleaned.get("user_data_source") or ("upload" if upload else "write")
        if source == "write":
            return typed_text(typed)
        if source == "none":
            return b""
        if upload is None:
            self.add_error("user_data_file", "Choose the script file, or choose None.")
            return b""
        if (upload.size or 0) > FILE_READ_MAX:
            most = f"The cloud takes {USER_DATA_MAX_BYTES:,} before base64."
            self.add_error("user_data_file", f"{upload.name} has {upload.size:,} bytes. {most}")
            return b""
        return bytes(upload.read())

    def order_request(self, project: str, server_id: uuid.UUID) -> OrderRequest:
        """What was asked for; call after `is_valid`."""
        said = self.cleaned_data
        return OrderRequest(
            project=project,
            servers=(str(server_id),),
            keyname=said.get("keyname", ""),
            userid=said.get("userid", ""),
            mode=said.get("mode", ""),
            byol=BYOL[said.get("byol", "")],
            user_data=said.get("script", b""),
            encrypted=ENCRYPTED[said.get("encrypted", "")],
            cmkid=said.get("cmkid", ""),
            reason=said.get("reason", ""),
            confirm=said.get("confirm", ""),
        )

    def script(self) -> bytes:
        """The exact bytes the server will find; none for a form nobody has filled in."""
        return bytes(self.cleaned_data.get("script", b"")) if self.is_bound else b""

    def script_source(self) -> str:
        """Where the script comes from: what was chosen, else what there is."""
        chosen = str(self.cleaned_data.get("user_data_source") or "")
        return chosen or ("upload" if self.files.get("user_data_file") else "write")

    def say_file_again(self) -> None:
        """Browsers do not keep a chosen file when a form comes back."""
        upload = self.files.get("user_data_file")
        if upload and "user_data_file" not in self.errors:
            self.add_error(
                "user_data_file", f"Choose {upload.name} again; browsers do not keep a chosen file."
            )


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        required=False, label="Name", help_text="The tool that uses it.", widget=forms.TextInput(TEXT)
    )
    scopes = forms.MultipleChoiceField(
        required=False,
        choices=[("read", "Read"), ("request", "Ask for reinstalls")],
        widget=forms.CheckboxSelectMultiple({"class": "ck"}),
        error_messages={"invalid_choice": "Scopes are read and request."},
    )
    projects = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple({"class": "ck"}),
        error_messages={"invalid_choice": "Choose among your projects."},
    )
    days = forms.IntegerField(
        label="Days it lives",
        initial=90,
        widget=forms.NumberInput({"class": "in", "min": 1, "max": 90}),
        error_messages={"required": "A token lives 1 to 90 days.", "invalid": "A token lives 1 to 90 days."},
    )

    def offer_projects(self, choices: list[tuple[str, str]]) -> None:
        """The projects the person may see."""
        field = self.fields["projects"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices
