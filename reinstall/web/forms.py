"""Forms: they read what was typed; what may be asked for is decided in domain.spec and in the services."""

import uuid
from typing import Any, Self

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.validators import ProhibitNullCharactersValidator

from reinstall.domain.errors import FieldError
from reinstall.domain.logins import PASSWORD_SPECIALS
from reinstall.domain.spec import USER_DATA_MAX_BYTES, typed_text
from reinstall.services.orders import OrderRequest
from reinstall.services.preset_use import InUse

#: No script is near this; a file beyond it is not read into memory to say so.
FILE_READ_MAX = 1_000_000
TEXT = {"class": "in", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
MONO = {**TEXT, "class": "in mono"}
ENCRYPTED = {"": None, "0": False, "1": True}
#: Left out is false, as in REST. Nothing else is guessed: it goes into a request that wipes a disk.
#: What is missing where a login was chosen and not given.
NO_LOGIN = {
    "keypair": FieldError(
        "keyname", "Choose the key pair that signs in after the reinstall, or another login.", "required"
    ),
    "password": FieldError(
        "adminpass", "Type the password that signs in after the reinstall, or have one made.", "required"
    ),
    "script": FieldError(
        "user_data", "Write or upload the first-boot script that sets up the login.", "required"
    ),
}
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

    def not_done(self, why: str) -> Self:
        """Itself, as it was typed, with the sentence on top that says why nothing was done."""
        self.is_valid()
        self.add_refusals((FieldError("", why, "expired"),))
        return self

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
    #: The preset the settings were taken from, found by who made this form; or why it cannot be used.
    used: InUse | None = None
    no_preset: tuple[FieldError, ...] = ()
    #: Whether this person was shown the preset's script: only then may the page quote it.
    quotes_preset = False
    #: Whether a key pair was chosen as the login, none is named, and a script could pass for one.
    keyless = False

    preset = Text(required=False, widget=forms.HiddenInput())
    #: The mark of reinstall.web.preset_scripts.
    script_shown = Text(required=False, widget=forms.HiddenInput())

    keyname = Text(required=False, label="Key pair", widget=forms.TextInput(MONO))
    userid = Text(
        required=False,
        label="User ID the key pair belongs to",
        help_text="32 characters, 0-9 and a-f.",
        widget=forms.TextInput({**MONO, "aria-describedby": "id_userid-hint"}),
    )
    login = forms.ChoiceField(
        required=False,
        label="Login",
        choices=[("keypair", "Key pair"), ("password", "Password"), ("script", "Script")],
        error_messages={"invalid_choice": "The login is keypair, password or script."},
    )
    #: Write-only: what was typed is never put into a page again.
    adminpass = Text(
        required=False,
        strip=False,
        label="Password",
        help_text="8 to 26 characters, at least three kinds of upper case, lower case, digits and special "
        f"characters ({PASSWORD_SPECIALS}). Keep it now: it is shown nowhere afterwards.",
        widget=forms.PasswordInput(
            {**MONO, "autocomplete": "new-password", "aria-describedby": "id_adminpass-hint"}
        ),
    )
    user_data_source = forms.ChoiceField(
        required=False,
        choices=[("none", "None"), ("write", "Write"), ("upload", "Upload"), ("preset", "From preset")],
        error_messages={"invalid_choice": "The source of the script is none, write, upload or preset."},
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
        for error in self.no_preset:
            self.add_error("preset", error.message)
        cleaned["script"] = self._script(cleaned)
        # Kept under a name of its own: an error beside a field takes its value away.
        cleaned["password"] = cleaned.get("adminpass", "")
        # Where a script may be the login, the cloud would take it for that: it is one only if it was chosen.
        chose_key = cleaned.get("login") == "keypair" and not cleaned.get("keyname")
        self.keyless = chose_key and bool(cleaned["script"])
        if self.keyless:
            self.add_error("keyname", NO_LOGIN["keypair"].message)
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
        if source == "preset":
            return self._script_of_preset()
        if upload is None:
            self.add_error("user_data_file", "Choose the script file, or choose None.")
            return b""
        if (upload.size or 0) > FILE_READ_MAX:
            most = f"The cloud takes {USER_DATA_MAX_BYTES:,} before base64."
            self.add_error("user_data_file", f"{upload.name} has {upload.size:,} bytes. {most}")
            return b""
        return bytes(upload.read())

    def _script_of_preset(self) -> bytes:
        if self.used is None and not self.no_preset:
            self.add_error("user_data_source", "No preset is in use here. Write or upload the script.")
        return self.used.settings.user_data if self.used else b""

    def order_request(self, project: str, server_id: uuid.UUID) -> OrderRequest:
        """What was asked for; call after `is_valid`."""
        said = self.cleaned_data
        login = said.get("login", "")
        # What was filled in for a login that is not chosen any more is not meant.
        key = login in ("", "keypair")
        return OrderRequest(
            project=project,
            servers=(str(server_id),),
            keyname=said.get("keyname", "") if key else "",
            userid=said.get("userid", "") if key else "",
            adminpass=said.get("password", "") if login in ("", "password") else "",
            mode=said.get("mode", ""),
            byol=BYOL[said.get("byol", "")],
            user_data=said.get("script", b""),
            encrypted=ENCRYPTED[said.get("encrypted", "")],
            cmkid=said.get("cmkid", ""),
            preset=self.used.reference if self.used else "",
            reason=said.get("reason", ""),
            confirm=said.get("confirm", ""),
        )

    def add_refusals(self, errors: tuple[FieldError, ...]) -> None:
        """As for every form; a login that is missing stands beside the field of the login chosen."""
        super().add_refusals(self.beside(errors))

    def beside(self, errors: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
        """The refusals of a service, in the form's terms: there a login is chosen before it is given."""
        login = self.cleaned_data.get("login", "")
        missing = NO_LOGIN.get(login)
        if missing is None or (login == "keypair" and not self.keyless):
            return errors
        return tuple(missing if (e.field, e.code) == ("keyname", "required") else e for e in errors)

    def say_password_again(self) -> None:
        """A password is not sent back to the browser when a form comes back."""
        login, given = self.cleaned_data.get("login"), self.cleaned_data.get("password")
        meant = login == "password" or (given and not login)
        if meant and "adminpass" not in self.errors:
            self.add_error("adminpass", "Type the password again; a page never holds one that was typed.")

    def script(self) -> bytes:
        """The exact bytes the server will find; none for a form nobody has filled in."""
        return bytes(self.cleaned_data.get("script", b"")) if self.is_bound else b""

    def script_source(self) -> str:
        """Where the script comes from: what was chosen, else what there is."""
        chosen = str(self.cleaned_data.get("user_data_source") or "")
        return chosen or ("upload" if self.files.get("user_data_file") else "write")

    def come_back(self) -> None:
        """Shown again as it was typed: what no browser keeps is said, what is wrong stands beside it."""
        self.say_file_again()
        self.say_password_again()
        self.mark_wrong_fields()

    def say_file_again(self) -> None:
        """Browsers do not keep a chosen file when a form comes back."""
        upload = self.files.get("user_data_file")
        if upload and "user_data_file" not in self.errors:
            self.add_error(
                "user_data_file", f"Choose {upload.name} again; browsers do not keep a chosen file."
            )
