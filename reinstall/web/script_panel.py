"""What the form shows below a first-boot script: its size, what it is read as, and what stands out."""

from dataclasses import dataclass

from reinstall.domain.findings import USER_DATA_MAX_BYTES, Finding, meter
from reinstall.domain.textdiff import Diff, diff
from reinstall.domain.userdata import empty_finding, reading
from reinstall.web.forms import ReinstallForm


@dataclass(frozen=True, slots=True)
class ScriptPanel:
    """size: bytes before base64. jumps: the text is on the page, so that "Line 7" can lead there."""

    size: int
    meter: str
    percent: str
    over: bool
    file_name: str
    read_as: str
    praise: str
    findings: tuple[Finding, ...]
    jumps: bool
    #: The script compared with that of the preset in use; None where they are the same, there is none, or it
    #: was not shown.
    diff: Diff | None
    compared_with: str


def script_panel(form: ReinstallForm, os_type: str) -> ScriptPanel:
    """Of a form as it stands: a fresh one has nothing to say. os_type: "Linux", "Windows" or ""."""
    raw = form.script()
    source = form.script_source() if form.is_bound else ""
    upload = form.files.get("user_data_file") if source == "upload" else None
    name = str(upload.name) if upload else ""
    size = int(upload.size or 0) if upload else len(raw)
    # A file too large to be read is not looked at; its size says enough.
    read = reading(raw, os_type)
    found = read.findings
    if not size and (upload or source == "write"):
        found = (empty_finding(name),)
    said = {str(message) for messages in form.errors.values() for message in messages}
    return ScriptPanel(
        size=size,
        meter=meter(size),
        percent=f"{min(100.0, 100 * size / USER_DATA_MAX_BYTES):.1f}%",
        over=size > USER_DATA_MAX_BYTES,
        file_name=name,
        read_as=read.read_as,
        praise=read.praise,
        findings=tuple(it for it in found if it.sentence not in said),
        jumps=source == "write",
        diff=_compared(form, raw, source),
        compared_with=form.used.title if form.used else "",
    )


def _compared(form: ReinstallForm, raw: bytes, source: str) -> Diff | None:
    """A file too large to be sent is not compared; nor is anything with a script nobody was shown."""
    if (
        form.used is None
        or not form.quotes_preset
        or source == "preset"
        or len(raw) > 2 * USER_DATA_MAX_BYTES
    ):
        return None
    preset = form.used.settings.user_data
    return diff(preset, raw) if raw and preset and raw != preset else None
