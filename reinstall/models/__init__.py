"""Tables and constraints; no rule that needs a second table lives here."""

from reinstall.models.access import ApiToken, IdempotencyKey, RateCount
from reinstall.models.approvals import Approval
from reinstall.models.chain import AuditKey, AuditStream
from reinstall.models.clouds import Cloud, Environment, Membership, Project
from reinstall.models.engine import Budget, Evidence, Outbox, SystemFlag, Watch
from reinstall.models.history import AuditEvent, EngineTick
from reinstall.models.jobs import Attempt, Exchange, Job
from reinstall.models.orders import Order
from reinstall.models.presets import Preset, PresetVersion
from reinstall.models.proposals import Proposal
from reinstall.models.selections import SavedView, Selection
from reinstall.models.servers import Disk, Image, KeyPair, KmsKey, Server
from reinstall.models.sessions import FailedTry, SignedIn
from reinstall.models.syncs import SyncRun

__all__ = [
    "ApiToken",
    "Approval",
    "Attempt",
    "AuditEvent",
    "AuditKey",
    "AuditStream",
    "Budget",
    "Cloud",
    "Disk",
    "EngineTick",
    "Environment",
    "Evidence",
    "FailedTry",
    "Exchange",
    "IdempotencyKey",
    "Image",
    "Job",
    "KeyPair",
    "KmsKey",
    "Membership",
    "Order",
    "Outbox",
    "Preset",
    "PresetVersion",
    "Project",
    "Proposal",
    "RateCount",
    "SavedView",
    "Selection",
    "Server",
    "SignedIn",
    "SyncRun",
    "SystemFlag",
    "Watch",
]
