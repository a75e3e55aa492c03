"""Settings of a fault run. They weaken what an installation relies on, so that nothing else may use them."""

from django.core.exceptions import ImproperlyConfigured

from ecsportal.env import Environment

#: What the id of an installation begins with that exists to be broken.
PREFIX = "faults"
LEASE_S = 180.0
#: The longest a call to the cloud takes, and the write after it.
SHORTEST_LEASE_S = 90.0
SHORTEST_IN_A_FAULT_RUN_S = 5.0


def read_faults(env: Environment, deployment_id: str) -> str:
    """Crash points, "" for none. Raises ImproperlyConfigured unless the installation is one to be broken."""
    text = env.text("ECSPORTAL_FAULT_INJECTION")
    if text and not deployment_id.startswith(PREFIX):
        raise ImproperlyConfigured(
            "ECSPORTAL_FAULT_INJECTION kills this portal's processes: it is for fault runs only, whose "
            f"ECSPORTAL_DEPLOYMENT_ID begins with {PREFIX!r}. Remove it."
        )
    return text


def read_lease(env: Environment, deployment_id: str) -> float:
    """Seconds a claim holds. Raises ImproperlyConfigured when a call to the cloud may take longer."""
    text = env.text("ECSPORTAL_LEASE_S", str(LEASE_S))
    floor = SHORTEST_IN_A_FAULT_RUN_S if deployment_id.startswith(PREFIX) else SHORTEST_LEASE_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not floor <= seconds <= 3600:
        raise ImproperlyConfigured(f"ECSPORTAL_LEASE_S is {text!r}; write seconds from {floor:g} to 3600.")
    return seconds
