"""Sentences about jobs: one per state, and what helps for each error code that concerns a reinstall.

Codes and causes follow the public error code appendix of the ECS API; the sentences are this product's own.
"""

from collections.abc import Mapping

from reinstall.domain.states import JobState

S = JobState

#: What is going on, said about the server of the job.
HEADLINES: Mapping[JobState, str] = {
    S.AWAITING_APPROVAL: "Waiting for approval. Nothing is sent to the cloud until an approver agrees.",
    S.QUEUED: "Waiting for its turn",
    S.PREFLIGHT: "Checking the server once more",
    S.STOPPING: "Stopping the server",
    S.SUBMITTING: "Sending the request, once",
    S.UNCERTAIN: "The request went out, but no clear answer came back",
    S.RUNNING: "Cloud is rebuilding the system disk",
    S.VERIFYING: "Comparing disks and state",
    S.ATTENTION: "Somebody has to look at this server",
    S.SUCCEEDED: "Reinstalled, and the disks are what they should be",
    S.FAILED: "The cloud reported a failure",
    S.REJECTED: "Refused before anything was started",
    S.NOT_APPLIED: "The reinstall never started",
    S.CANCELLED: "Cancelled before anything was sent",
    S.EXPIRED: "Ran out of time before anything was sent",
}

#: What stands under the headline where the state alone needs explaining.
EXPLANATIONS: Mapping[JobState, str] = {
    S.UNCERTAIN: (
        "The cloud may be reinstalling the server right now, or it may never have seen the request. This "
        "portal does not send it again by itself: a second request could wipe a server that was just set up."
    ),
    S.ATTENTION: "Nothing more is sent by itself, and the server stays locked here until somebody decides.",
    S.NOT_APPLIED: "The server was not touched.",
    S.REJECTED: "The system disk was not touched.",
    S.CANCELLED: "The system disk was not touched.",
    S.EXPIRED: "The system disk was not touched.",
}

_ACCOUNT = (
    "The account is restricted. Its owner settles that with the provider; until then every server fails."
)
_NO_ANSWER = (
    "The cloud had trouble inside. Look at the server in the cloud console before you ask for anything again."
)
_UNKNOWN_SERVER = "The cloud does not know this server. Sync the project; check its region and project id."
_SIZE = "Resize the server to a flavor that is offered, or wait until there is room, then reinstall."
_IMAGE = (
    "Look at the image in the image service. If it cannot be repaired, change the operating system instead."
)
_DISK = "Look at the system disk in the disk service. When it is healthy, reinstall again."
_LATER = "Wait some minutes, look at the server in the cloud console, then ask for a new reinstall."

#: Error code -> what helps. Several codes share one cause, so they share one sentence.
ADVICE: Mapping[str, str] = {
    "Ecs.0000": "Read the cloud's message: the code alone says only that the request was not understood.",
    "Ecs.0003": "Check whether the account is frozen, and whether these credentials may rebuild servers.",
    "Ecs.0004": _LATER,
    "Ecs.0005": "One value did not suit the cloud. Compare the request shown here with the cloud's message.",
    "Ecs.0007": "The image does not fit the flavor. Resize the server, or change the operating system.",
    "Ecs.0011": "The password breaks the cloud's rules. Use a key pair.",
    "Ecs.0015": "This disk type does not go with the flavor. Resize the server first.",
    "Ecs.0017": "The disk is marked as belonging to another server. Correct that in the disk service.",
    "Ecs.0018": _SIZE,
    "Ecs.0019": _SIZE,
    "Ecs.0021": "Raise the disk quota: a reinstall needs room for one more system disk while it swaps them.",
    "Ecs.0025": "Let the account's admin give the disk service access to the KMS keys, then reinstall.",
    "Ecs.0029": _SIZE,
    "Ecs.0030": "The server is frozen, over a bill or a violation. The account's owner has to clear that.",
    "Ecs.0031": "The original image is gone. Change the operating system to another image.",
    "Ecs.0032": "The image is not active. Wait until it is, or change the operating system.",
    "Ecs.0034": "The backup behind the image is gone. Change the operating system to another image.",
    "Ecs.0043": "The disk type is not known in this zone. Ask the provider for one that is.",
    "Ecs.0044": "The disk type is sold out here. Wait, then reinstall.",
    "Ecs.0046": "The disk type differs from the one the image demands. Change the operating system.",
    "Ecs.0048": "The image's backup is not ready. Wait until it is.",
    "Ecs.0058": "This account may not use the image any more. Ask its owner to share it again.",
    **dict.fromkeys((f"Ecs.00{number}" for number in range(66, 72)), _ACCOUNT),
    "Ecs.0073": "The system disk is being backed up. Reinstall when the backup has ended.",
    "Ecs.0074": "This account cannot use Windows images. Change the operating system.",
    "Ecs.0075": "This account can use Windows images only. Change the operating system.",
    "Ecs.0090": "A licence of your own is not offered in this region. Ask again without it.",
    "Ecs.0100": "The server's state did not permit it. Stop it, and wait until nothing else runs on it.",
    "Ecs.0101": _DISK,
    "Ecs.0103": _DISK,
    "Ecs.0105": "The server has no system disk. Attach one in the cloud console, then reinstall.",
    "Ecs.0110": "Give these credentials the right to rebuild servers (ecs:cloudServers:rebuild).",
    "Ecs.0114": _UNKNOWN_SERVER,
    "Ecs.0119": "The key of an encrypted disk cannot be used. Enable it in the key service.",
    "Ecs.0120": "A server paid by the month or year cannot be rebuilt this way.",
    "Ecs.0202": "No new system disk could be made, the old one may be gone. A new reinstall is the way out.",
    "Ecs.0208": _LATER,
    "Ecs.0219": "The cloud found no room to build the server. Wait, then reinstall.",
    "Ecs.0226": "The disk was rebuilt, but the server did not start. Start it in the cloud console.",
    "Ecs.0301": _LATER,
    "Ecs.0304": _IMAGE,
    "Ecs.0314": "The key pair does not exist for this user ID. Choose one the user owns; sync if it is new.",
    "Ecs.0319": _SIZE,
    "Ecs.0402": "The old system disk could not be released. Ask the provider before anything else.",
    "Ecs.0503": _DISK,
    "Ecs.0510": "A server with a marketplace image, paid by the month or year, cannot be reinstalled.",
    "Ecs.0603": "Another operation runs on this server. Find out whose it is before you ask again.",
    "Ecs.0605": "The server is locked at the cloud. Let its owner unlock it, then reinstall.",
    "Ecs.0614": _UNKNOWN_SERVER,
    "Ecs.0912": "The KMS key is unknown or not enabled. Choose an enabled key.",
    "Ecs.1520": _IMAGE,
    "Common.0018": "These credentials do not have the right. Ask the account's admin for it.",
    "Common.0021": "One step of the cloud's job failed; its own code is listed with the steps.",
    "Common.0024": "The cloud was over its limit of calls. Ask again later.",
    "Common.1503": "The cloud was over its limit of calls. Ask again later.",
    "APIGW.0308": "The cloud was over its limit of calls. Ask again later.",
    **dict.fromkeys(
        (
            "Ecs.0002",
            "Ecs.0615",
            "Ecs.1000",
            "Ecs.1001",
            "Ecs.1002",
            "Ecs.1300",
            "Common.0001",
            "Common.0020",
            "Common.0022",
            "Common.0999",
            "APIGW.0201",
            "APIGW.0601",
        ),
        _NO_ANSWER,
    ),
}

_ADVICE_BY_STATE: Mapping[JobState, str] = {
    S.REJECTED: "Correct what the message names, then ask for a new reinstall.",
    S.FAILED: "Look at the server in the cloud console. A new reinstall wipes its system disk again.",
    S.ATTENTION: "Look at the server in the cloud console first, then decide.",
    S.UNCERTAIN: "Look at the server in the cloud console. Do not start a reinstall there meanwhile.",
}


def advice(state: JobState, code: str) -> str:
    """What helps, for a code of the cloud; for an unknown or empty one, what helps in this state."""
    return ADVICE.get(code) or _ADVICE_BY_STATE.get(state, "")


def step_sentence(state: JobState, *, waiting_for: str, cloud_status: str, code: str, message: str) -> str:
    """One line for lists: the current step, or the cause where a job has ended badly or is stuck."""
    cause = f"{message} ({code})" if message and code else message or code
    if cause and state in (S.FAILED, S.REJECTED, S.ATTENTION, S.UNCERTAIN):
        return cause
    if waiting_for and state not in (S.RUNNING, S.VERIFYING):
        return waiting_for
    headline = HEADLINES[state].split(". ")[0].rstrip(".")
    return f"{headline} ({cloud_status})" if state is S.RUNNING and cloud_status else headline


def login_words(login: str, keyname: str, userid: str) -> str:
    """How somebody signs in after a reinstall; `login` is keypair, password or script."""
    if login == "password":
        return "the password that was set with the request"
    if login == "script":
        return "whatever the first-boot script set up"
    return f"the key pair {keyname} of user {userid}"


#: Types of the cloud's sub-jobs as far as any document or report names them.
_SUB_JOBS: Mapping[str, str] = {
    "reinitossingle": "Reinstall the system",
    "reinitos": "Reinstall the system",
    "stopserver": "Stop the server",
    "stopservers": "Stop the server",
    "startserver": "Start the server",
    "startservers": "Start the server",
    "attachvolume": "Attach the new system disk",
    "detachvolume": "Detach the old system disk",
    "createvolume": "Make the new system disk from the original image",
    "deletevolume": "Delete the old system disk",
    "changeos": "Change the operating system",
}


def sub_job_name(raw: str) -> str:
    """A sub-job's type in words; one that no document names is shown as its parts, `fooBar` as "Foo bar"."""
    known = _SUB_JOBS.get(raw.replace("_", "").lower())
    if known:
        return known
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in raw.replace("_", " "))
    return spaced.strip().capitalize() or "Step without a name"
