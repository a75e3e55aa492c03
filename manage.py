#!/usr/bin/env python
"""Django's command door."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecsportal.settings")
    if len(sys.argv) > 1 and sys.argv[1] in ("serve", "demo"):
        # These two are the embedded portal: web, worker and beat in this one process.
        os.environ.setdefault("ECSPORTAL_EMBEDDED", "true")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"ecsportal does not start: {error}")


if __name__ == "__main__":
    main()
