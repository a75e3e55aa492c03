"""What differs between the clouds of the family, as data.

The clouds run the same software with different documents. Every decision below names the page it rests on;
where the pages are silent the safer reading is taken, and `notes` says so in words a person can read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

KEYPAIR: Final = "keypair"
PASSWORD: Final = "password"
USER_DATA: Final = "user_data"

_SERVICES: Final = frozenset({"iam", "ecs", "evs", "vpc", "ims", "kms", "cts"})
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")


class UnknownProfile(ValueError):
    """No profile has this key; the message names the keys which exist."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One cloud of the family.

    `login_modes` are the ways the cloud accepts to give a reinstalled server its login ('user_data' means
    user_data alone, without key pair and password). `requires_stopped`: the server must be off before the
    call; `allows_mode`: the field `mode` may be sent. `notes` maps the name of a request field that is
    missing or special here to the reason.
    """

    key: str
    title: str
    domain: str
    regions: tuple[str, ...]
    services: frozenset[str]
    login_modes: frozenset[str]
    requires_stopped: bool
    allows_mode: bool
    allows_byol: bool
    allows_encryption: bool
    has_v1: bool
    has_v2: bool
    userid_required_with_key: bool
    notes: Mapping[str, str]
    #: The list of servers takes the parameter `server_id`: up to 100 ids, all other filters ignored.
    lists_by_id: bool = False

    def endpoint(self, service: str, region: str) -> str | None:
        """The base address `https://...` of a service, or None where this cloud has no such service or the
        text cannot be a region name. A region not listed in `regions` is accepted: clouds grow."""
        if service not in self.services or not _REGION.fullmatch(region):
            return None
        return f"https://{service}.{region}.{self.domain}"


# Source: docs.otc.t-systems.com, Elastic Cloud Server API reference, "Reinstalling an ECS OS (with
# Cloud-Init)".
_OTC = Profile(
    key="otc",
    title="Open Telekom Cloud",
    domain="otc.t-systems.com",
    regions=("eu-de", "eu-nl"),
    services=_SERVICES,
    # The page has rows for keyname and userid, both mandatory, and since August 2024 none for adminpass.
    login_modes=frozenset({KEYPAIR}),
    # The page allows the call on a stopped server, or after a failed reinstall.
    requires_stopped=True,
    # No row in the table, but the first example of the page sends it. Stopping first stays the default.
    allows_mode=True,
    allows_byol=True,
    allows_encryption=True,
    # Only the v2 call is described.
    has_v1=False,
    has_v2=True,
    userid_required_with_key=True,
    notes=MappingProxyType(
        {
            "adminpass": "Open Telekom Cloud documents no password for a reinstall; log in with a key pair.",
            "mode": "Shown in an example of the API page, not described; stopping first is the default.",
            "v1": "Open Telekom Cloud documents only the call for images with Cloud-Init.",
        }
    ),
)

# Sources: docs.sc.otc.t-systems.com, the same two pages (v1 and v2).
_SWISS = Profile(
    key="otc-swiss",
    title="Swiss Open Telekom Cloud",
    domain="sc.otc.t-systems.com",
    regions=("eu-ch2",),
    services=_SERVICES,
    login_modes=frozenset({KEYPAIR}),
    # No such constraint on the page; `mode` has its own row: withStopServer stops a running server first.
    requires_stopped=False,
    allows_mode=True,
    allows_byol=True,
    allows_encryption=True,
    has_v1=True,
    has_v2=True,
    userid_required_with_key=True,
    notes=MappingProxyType(
        {"adminpass": "This cloud documents no password for a reinstall; log in with a key pair."}
    ),
)

# Sources: support.huaweicloud.com, ECS API reference, "Reinstalling an ECS OS (with / without Cloud-Init)";
# regions from the region table of the official Python SDK (huaweicloudsdkecs, Apache-2.0).
_HUAWEI = Profile(
    key="huawei",
    title="Huawei Cloud",
    domain="myhuaweicloud.com",
    regions=(
        "af-north-1",
        "af-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "cn-east-2",
        "cn-east-3",
        "cn-east-4",
        "cn-north-1",
        "cn-north-4",
        "cn-north-9",
        "cn-south-1",
        "cn-southwest-2",
        "eu-west-101",
        "la-north-2",
        "la-south-2",
        "me-east-1",
        "na-mexico-1",
        "sa-brazil-1",
        "tr-west-1",
    ),
    services=_SERVICES | {"kps"},
    # adminpass, keyname and userid are optional; without key and password metadata.user_data must be set.
    login_modes=frozenset({KEYPAIR, PASSWORD, USER_DATA}),
    requires_stopped=False,
    allows_mode=True,
    allows_byol=True,
    allows_encryption=True,
    has_v1=True,
    has_v2=True,
    userid_required_with_key=True,
    notes=MappingProxyType({}),
    # Source: the same reference, "Querying Details About ECSs", parameter server_id.
    lists_by_id=True,
)

# Source: Orange Flexible Engine, ECS API reference; an older edition of the Huawei page.
_FLEXIBLE_ENGINE = Profile(
    key="flexible-engine",
    title="Orange Flexible Engine",
    domain="prod-cloud-ocb.orange-business.com",
    regions=("eu-west-0",),
    services=_SERVICES,
    # The older edition does not promise that user_data alone is enough.
    login_modes=frozenset({KEYPAIR, PASSWORD}),
    requires_stopped=True,
    allows_mode=False,
    allows_byol=True,
    allows_encryption=True,
    has_v1=False,
    has_v2=True,
    userid_required_with_key=True,
    notes=MappingProxyType(
        {
            "mode": "Flexible Engine does not document it; the server is stopped first.",
            "user_data": "Not documented as the only login data; choose a key pair or a password as well.",
            "v1": "Flexible Engine documents only the call for images with Cloud-Init.",
        }
    ),
)

# Source: cloud.ru, ECS API reference, "Reinstalling an ECS OS" (v1 page: no mode, no metadata).
_CLOUD_RU = Profile(
    key="cloud-ru",
    title="Cloud.ru Advanced",
    domain="hc.sbercloud.ru",
    regions=("ru-moscow-1",),
    services=_SERVICES,
    login_modes=frozenset({KEYPAIR, PASSWORD}),
    requires_stopped=True,
    allows_mode=False,
    # The page lists no metadata at all, so nothing that lives there is offered.
    allows_byol=False,
    allows_encryption=False,
    has_v1=True,
    has_v2=True,
    userid_required_with_key=False,
    notes=MappingProxyType(
        {
            "mode": "Cloud.ru does not document it; the server is stopped first.",
            "BYOL": "Cloud.ru documents no metadata for a reinstall.",
            "user_data": "Cloud.ru documents no metadata for a reinstall.",
            "encryption": "Cloud.ru documents no metadata for a reinstall.",
        }
    ),
)

# Source: the edition of the Huawei page for this region (support.huaweicloud.com). It names no host, and an
# address that is guessed would be told the credentials: the addresses are always written down by a person.
_TURKEY = Profile(
    key="huawei-tr-central",
    title="Huawei Cloud Türkiye",
    domain="",
    regions=("tr-central-201",),
    services=frozenset(),
    login_modes=frozenset({KEYPAIR}),
    requires_stopped=False,
    allows_mode=True,
    allows_byol=True,
    allows_encryption=True,
    has_v1=False,
    has_v2=True,
    userid_required_with_key=True,
    notes=MappingProxyType(
        {
            "adminpass": "This cloud documents no password for a reinstall; log in with a key pair.",
            "v1": "This cloud documents only the call for images with Cloud-Init.",
            "endpoints": "The host names of this cloud are documented nowhere; write its endpoints down.",
        }
    ),
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {profile.key: profile for profile in (_OTC, _SWISS, _HUAWEI, _FLEXIBLE_ENGINE, _CLOUD_RU, _TURKEY)}
)


def get_profile(key: str) -> Profile:
    """The profile of that key.

    Raises UnknownProfile, whose message names the known keys.
    """
    try:
        return PROFILES[key]
    except KeyError:
        raise UnknownProfile(f"no cloud profile '{key}'; known are: {', '.join(PROFILES)}") from None
