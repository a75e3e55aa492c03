"""The Celery application: `celery -A ecsportal worker`, `celery -A ecsportal beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecsportal.settings")

app = Celery("ecsportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["reinstall"])
# Read once Django is set up, in processes that run a worker: it answers the signals of Celery.
app.autodiscover_tasks(["ecsportal"], related_name="workers")
