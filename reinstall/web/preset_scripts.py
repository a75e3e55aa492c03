"""The script of a preset in a form: used without being there, and put into it when its person asks.

Putting it in is showing it: it takes the right, a proof and an entry. From then on the form carries a mark,
signed for this person and this version; with it alone is the difference to the preset's script shown, since
that quotes it.
"""

from django.core import signing
from django.http import QueryDict
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.services.preset_use import InUse
from reinstall.services.reveals import reveal_preset_script
from reinstall.web.once import MAX_AGE_S

#: What the button of a form does that puts the script of its preset into the field.
EDIT = "preset-script"
_SALT = "reinstall.script_shown"


def put_in(actor: Actor, used: InUse, typed: QueryDict) -> None:
    """The preset's script as the text of the form. Raises as `reveal_preset_script`."""
    version = used.version
    script = reveal_preset_script(
        actor=actor, now=timezone.now(), slug=version.preset.slug, number=version.number
    )
    typed["user_data"] = script.text
    typed["user_data_source"] = "write"
    typed["script_shown"] = signing.dumps([actor.user_id, used.reference], salt=_SALT)


def was_put_in(actor: Actor, used: InUse | None, mark: object) -> bool:
    """Whether `mark` says that this person was shown the script of the version in use."""
    try:
        return used is not None and signing.loads(str(mark), salt=_SALT, max_age=MAX_AGE_S) == [
            actor.user_id,
            used.reference,
        ]
    except signing.BadSignature:
        return False


def is_editable(script: bytes) -> bool:
    """Whether a text field gives back what is put into it; other scripts stay as they are, unseen."""
    try:
        text = script.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and "\r" not in text and "\0" not in text
