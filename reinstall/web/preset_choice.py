"""A preset in the reinstall form: chosen, its settings put in place of what stood there, its script edited.

The form brings back which version is in use (`preset`). What the list at its top shows (`preset_choice`)
counts only once it was taken, so that an order never names a preset whose settings nobody saw.
"""

from django.http import HttpRequest, QueryDict

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, RuleBroken
from reinstall.domain.presets import Settings
from reinstall.selectors.presets import presets_to_choose
from reinstall.services.preset_use import InUse, preset_in_use
from reinstall.web.forms import ReinstallForm
from reinstall.web.preset_scripts import EDIT, is_editable, put_in, was_put_in

__all__ = ["EDIT", "TAKE", "form_of", "form_values", "preset_context", "sent_form"]

#: What a button of the form does, besides checking, placing and editing the script: take the preset chosen.
TAKE = "preset"


def form_of(
    actor: Actor, project: str, typed: QueryDict | dict[str, str], request: HttpRequest | None = None
) -> ReinstallForm:
    """The form as it was typed, with the preset it names; the files are those of `request`."""
    form = ReinstallForm(typed, request.FILES if request else None)
    if text := str(typed.get("preset", "")):
        try:
            form.used = preset_in_use(actor, project, text)
        except RuleBroken as broken:
            form.no_preset = broken.errors
    form.quotes_preset = was_put_in(actor, form.used, typed.get("script_shown"))
    return form


def sent_form(actor: Actor, project: str, request: HttpRequest) -> ReinstallForm:
    """The form that was sent, after what its buttons about presets say; nothing else of it is touched.

    Raises NeedsSecondFactor or NeedsProof where the script is to be edited.
    """
    typed, action = request.POST.copy(), request.POST.get("action")
    if action == TAKE:
        _take(actor, project, typed)
    form = form_of(actor, project, typed, request)
    if action == EDIT and form.used is not None:
        try:
            put_in(actor, form.used, typed)
        except (Conflict, RuleBroken) as refused:
            return form.not_done(str(refused))
        form.quotes_preset = True
    return form


def _take(actor: Actor, project: str, typed: QueryDict) -> None:
    """What the preset says, in place of what was typed. A login it leaves open stays as it is."""
    chosen = typed.get("preset_choice", "")
    if chosen == typed.get("preset", ""):
        return
    typed["preset"] = chosen
    used = _found(actor, project, chosen)
    if used is None:
        # Without the preset there is no script of its own.
        if typed.get("user_data_source") == "preset":
            typed["user_data_source"] = "none"
        return
    values = form_values(used.settings)
    values["user_data_source"] = "preset" if used.settings.user_data else "none"
    if used.settings.keyname:
        values["login"] = "keypair"
    else:
        del values["keyname"], values["userid"]
    for name, value in values.items():
        typed[name] = value


def form_values(said: Settings) -> dict[str, str]:
    """Settings as the fields of the form, but for the script."""
    return {
        "keyname": said.keyname,
        "userid": said.userid,
        "mode": said.mode,
        "byol": str(said.byol).lower(),
        "encrypted": {None: "", False: "0", True: "1"}[said.encrypted],
        "cmkid": said.cmkid,
    }


def _found(actor: Actor, project: str, text: str) -> InUse | None:
    try:
        return preset_in_use(actor, project, text) if text else None
    except RuleBroken:
        # The form says why, beside the list.
        return None


def preset_context(actor: Actor, project: str, form: ReinstallForm) -> dict[str, object]:
    """The list at the top of the form; an older version in use stands in it too."""
    offered = presets_to_choose(actor, project)
    used = form.used
    if used is not None and used.reference not in dict(offered):
        offered = ((used.reference, f"{used.title} (v{used.latest} is newer)"), *offered)
    return {"presets": offered, "used": used, "editable": used and is_editable(used.settings.user_data)}
