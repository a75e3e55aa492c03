"""A preset as it is used: found for a form or a tool, and compared with what is asked for in its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.domain.presets import Settings, changed_from, labels_of, read_reference, taken
from reinstall.domain.redaction import plain_text
from reinstall.domain.spec import Wanted
from reinstall.domain.verdicts import Check, Level
from reinstall.models import PresetVersion, Project
from reinstall.services import access
from reinstall.services.presets import open_settings


@dataclass(frozen=True, slots=True)
class InUse:
    """A version somebody chose, with what it says. latest: the newest number of its preset."""

    version: PresetVersion
    settings: Settings
    latest: int

    @property
    def reference(self) -> str:
        """As a form and REST name it."""
        return self.version.reference

    @property
    def title(self) -> str:
        """As people name it."""
        return str(self.version)


def preset_in_use(actor: Actor, project: str, text: str) -> InUse:
    """The version that `text` names, like base or base@3; the newest where no number is given.

    Raises RuleBroken on the field preset where there is none, or it is retired; NotFound, NotAllowed.
    """
    return in_project(access.project_for_requests(actor, project), text)


def in_project(project: Project, text: str) -> InUse:
    """As `preset_in_use`, in a project the actor was let into already."""
    slug, number = read_reference(text)
    said = plain_text(text, 80)
    versions = PresetVersion.objects.select_related("preset").filter(preset__project=project)
    versions = versions.filter(preset__slug=slug).order_by("-number")
    version = (versions if number is None else versions.filter(number=number)).first()
    if version is None:
        raise RuleBroken(
            f"There is no preset {said} in {project.name}. Write its slug, or slug@version.",
            "preset",
            "unknown",
        )
    preset = version.preset
    if preset.retired_at is not None:
        raise RuleBroken(
            f"The preset {preset.name} was retired by {preset.retired_by_name}. Choose another, or none.",
            "preset",
            "retired",
        )
    return InUse(version, open_settings(version), preset.latest)


def checks(used: InUse | None, spec: Wanted) -> Iterator[Check]:
    """Whether the request is what its preset says, and whether that is the newest version."""
    if used is None:
        return
    if used.latest != used.version.number:
        name, number = used.version.preset.name, used.version.number
        sentence = f"{name} has version {used.latest} by now; this uses version {number}."
        yield Check("preset", Level.TO_KNOW, sentence, "preset")
    changed = changed_from(used.settings, Settings(**taken(Settings, spec)))
    if changed:
        sentence = f"Different from the preset {used.title}: {', '.join(labels_of(changed))}."
        yield Check("preset", Level.TO_KNOW, sentence, "preset")
    else:
        yield Check("preset", Level.PASSED, f"As the preset {used.title} says.", "preset")
