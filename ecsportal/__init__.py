"""The project: puts the parts together and decides nothing about reinstalls."""

from ecsportal.celery import app as celery_app

__all__ = ["celery_app"]
