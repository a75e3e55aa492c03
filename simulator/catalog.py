"""What the simulated cloud offers and what its customer called things."""

from __future__ import annotations

from dataclasses import dataclass

ZONES = ("sim-1a", "sim-1b", "sim-1c")
DISK_KINDS = ("SSD", "SAS", "GPSSD")
DOMAIN = "shop-example"
ACTION_REBUILD = "ecs:cloudServers:rebuild"

# Fixed, so that the same seed gives the same world whenever it is made: 2025-03-01 00:00 UTC.
EPOCH = 1_740_787_200.0


@dataclass(frozen=True, slots=True)
class Flavor:
    name: str
    vcpus: int
    ram_mb: int


FLAVORS = {
    f.name: f
    for f in (
        Flavor("s3.medium.2", 1, 2048),
        Flavor("s3.large.2", 2, 4096),
        Flavor("s3.xlarge.4", 4, 16384),
        Flavor("c4.2xlarge.2", 8, 16384),
        Flavor("m4.xlarge.8", 4, 32768),
    )
}


@dataclass(frozen=True, slots=True)
class ImagePlan:
    key: str
    name: str
    kind: str
    os_type: str
    platform: str
    os_version: str
    min_disk: int
    cloud_init: bool = True


IMAGES = (
    ImagePlan(
        "ubuntu22", "Standard_Ubuntu_22.04_latest", "gold", "Linux", "Ubuntu", "Ubuntu 22.04 server 64bit", 10
    ),
    ImagePlan(
        "ubuntu24", "Standard_Ubuntu_24.04_latest", "gold", "Linux", "Ubuntu", "Ubuntu 24.04 server 64bit", 10
    ),
    ImagePlan(
        "debian12", "Standard_Debian_12_latest", "gold", "Linux", "Debian", "Debian GNU/Linux 12 64bit", 10
    ),
    ImagePlan(
        "rocky9", "Standard_Rocky_Linux_9_latest", "gold", "Linux", "Rocky Linux", "Rocky Linux 9 64bit", 10
    ),
    ImagePlan(
        "win2022",
        "Standard_Windows_2022_STD_latest",
        "gold",
        "Windows",
        "Windows",
        "Windows Server 2022 Standard 64bit",
        40,
    ),
    ImagePlan(
        "rhel8",
        "shop-rhel-8.9-hardened",
        "private",
        "Linux",
        "RedHat",
        "Redhat Linux Enterprise 8.9 64bit",
        40,
    ),
    ImagePlan(
        "deb12h", "shop-debian-12-2026-03", "private", "Linux", "Debian", "Debian GNU/Linux 12 64bit", 20
    ),
    ImagePlan(
        "centos6",
        "shop-centos-6-legacy",
        "private",
        "Linux",
        "CentOS",
        "CentOS 6.10 64bit",
        40,
        cloud_init=False,
    ),
)
GONE_IMAGE_NAME = "shop-rhel-8.6-hardened"

# Repeated for as many servers as are wanted; a role brings image, flavor and what is on its disks.
ROLES = ("web", "db", "web", "mail", "app", "web", "cache", "app", "db", "build", "web", "app")
ROLE_IMAGES = {
    "web": ("ubuntu22", "debian12", "ubuntu24"),
    "db": ("rocky9", "rhel8"),
    "mail": ("debian12", "deb12h"),
    "app": ("ubuntu24", "rhel8", "deb12h"),
    "cache": ("debian12",),
    "build": ("ubuntu22", "rocky9"),
}
ROLE_FLAVORS = {
    "web": ("s3.large.2",),
    "db": ("m4.xlarge.8",),
    "mail": ("s3.large.2",),
    "app": ("s3.xlarge.4", "c4.2xlarge.2"),
    "cache": ("s3.medium.2",),
    "build": ("c4.2xlarge.2",),
}
ROLE_DISKS: dict[str, tuple[tuple[str, int], ...]] = {
    "web": (("assets", 50),),
    "db": (("data", 500), ("wal", 100), ("backup", 1000)),
    "mail": (("spool", 200), ("archive", 800)),
    "app": (("uploads", 100), ("scratch", 40)),
    "cache": (),
    "build": (("workspace", 200),),
}
