"""Commands of the product: parse, one call, answer."""

import getpass

from reinstall.domain.actors import Actor, Source


def command_actor() -> Actor:
    """Whoever runs a command on the portal's own machine: they hold its database already."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "operator"
    return Actor(user_id=None, name=f"{name} (command line)", source=Source.COMMAND, sees_all=True)
