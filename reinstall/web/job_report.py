"""A job as plain text, to keep in a ticket or to send to support: no secrets, no markup, times in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime

from reinstall.domain.looks import look_of
from reinstall.domain.words import login_words
from reinstall.selectors.jobs import JobView

_WIDTH = 18


def report_text(job: JobView) -> str:
    """The report, with a line end after each line."""
    parts = (_top(job), _asked(job), _steps(job), _attempts(job), _disks(job), _after(job))
    blocks = ["\n".join(lines) for part in parts if (lines := list(part))]
    return "\n\n".join(blocks) + "\n"


def _top(job: JobView) -> Iterator[str]:
    yield _line(f"Job #{job.id}: reinstall of {job.server_name}")
    yield _pair("State", f"{look_of('job', job.state).word}. {job.headline}")
    if job.failure:
        yield _pair("Cause", f"{job.failure.message} ({job.failure.code or 'no code'})")
    if job.last_audit_note:
        yield _pair("Last entry", job.last_audit_note)
    yield _pair("Server", f"{job.server_name}, {job.server_id}")
    yield _pair("Project", f"{job.project_name} ({job.environment})")
    yield _pair("Asked for by", f"{job.requested_by} ({job.source})")
    yield _pair("Reason", job.reason or "none given")
    yield _pair("Order", f"{job.order_id}")
    yield _pair("Cloud job", job.cloud_job_id or "none")
    yield _pair("Request", job.request_id or "not known")
    for name, at in (("Asked for", job.created_at), ("Sent", job.sent_at), ("Ended", job.ended_at)):
        yield _pair(name, _at(at))


def _asked(job: JobView) -> Iterator[str]:
    asked = job.asked
    yield "What was asked for"
    yield _pair("Login", login_words(asked.login, asked.keyname, asked.userid))
    script = f"{asked.user_data_bytes:,} bytes, SHA-256 {asked.user_data_sha256}"
    yield _pair("Script", script if asked.user_data_bytes else "none")
    encryption = {None: "left out", True: f"yes, key {asked.cmkid}", False: "no"}[asked.encrypted]
    yield _pair("Encryption", encryption)
    yield _pair("License", "your own" if asked.byol else "from the cloud")
    yield _pair("Mode", asked.mode or "left out")
    yield _pair("Call", asked.version)


def _steps(job: JobView) -> Iterator[str]:
    yield "Steps"
    for number, step in enumerate(job.steps, 1):
        word = look_of("step", step.state).word
        yield "  " + _line(f"{number}. {step.name}: {word}, {_at(step.started_at)} to {_at(step.ended_at)}")
        if step.note:
            yield f"     {_line(step.note)}"


def _attempts(job: JobView) -> Iterator[str]:
    if not job.attempts:
        return
    yield "Calls to the cloud"
    for it in job.attempts:
        word = look_of("verdict", it.verdict).word
        answer = f"HTTP {it.status}" if it.status else "no answer"
        told = " ".join(part for part in (it.code, it.message) if part)
        yield "  " + _line(f"{it.number}. {_at(it.sent_at)}: {word}, {answer}. {told}")


def _disks(job: JobView) -> Iterator[str]:
    yield "Disks"
    for disk in job.disks:
        size = f"{disk.size_gb} GB" if disk.size_gb else "size not known"
        now = f", now {disk.id_after}" if disk.id_after else ""
        yield "  " + _line(f"{disk.role} {disk.device or 'disk'}, {size}: {disk.id}{now} ({disk.fate})")
    if not job.disks:
        yield "  none known"


def _after(job: JobView) -> Iterator[str]:
    if job.after is None:
        return
    yield "Proof"
    for line in job.after.changes:
        word = look_of("disk", line.became).word
        yield "  " + _line(f"{line.label}: {line.before or 'none'} -> {line.after or 'none'} ({word})")
    yield _pair("Leave it alone", f"until {_at(job.after.leave_alone_until)}")
    yield from (f"  {line}" for line in job.after.forget_lines)


def _pair(name: str, value: str) -> str:
    return f"  {name + ':':<{_WIDTH}}{_line(value)}"


def _line(text: str) -> str:
    """One line whatever a name from the cloud, or a reason, holds: nobody adds lines to a report."""
    return " ".join(text.split())


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "-"
