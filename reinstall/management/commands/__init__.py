"""Commands of the product: parse, one call, answer."""

import getpass

from django.core.management.base import CommandError

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken


def command_actor() -> Actor:
    """Whoever runs a command on the portal's own machine: they hold its database already."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "operator"
    return Actor(user_id=None, name=f"{name[:100]} (command line)", source=Source.COMMAND, sees_all=True)


def refusal(error: RuleBroken | NotAllowed | NotFound) -> CommandError:
    """What the product refuses, for a terminal: one line for each field that is wrong."""
    if not isinstance(error, RuleBroken):
        return CommandError(str(error))
    lines = [f"{e.field}: {e.message}" if e.field else e.message for e in error.errors]
    return CommandError("\n".join(lines))
