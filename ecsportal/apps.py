"""The project as Django sees it: brings its own checks along."""

from django.apps import AppConfig


class EcsportalConfig(AppConfig):
    """Registers the checks of this installation."""

    name = "ecsportal"

    def ready(self) -> None:
        from ecsportal import checks  # noqa: F401  registered by being read
