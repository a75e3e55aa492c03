"""What the profiles of clouds say, for pages: names, addresses, and which fields of a reinstall there are."""

from dataclasses import dataclass

from ecsclient.profiles import PROFILES, Profile, get_profile
from reinstall.models import Cloud
from reinstall.services import links


@dataclass(frozen=True, slots=True)
class RequestField:
    """A field of a reinstall request on one cloud. `note` says why it is missing, or what is special."""

    name: str
    purpose: str
    there: bool
    note: str


@dataclass(frozen=True, slots=True)
class CloudFacts:
    """A cloud as pages show it; endpoints are (service, URL), the known services first."""

    title: str
    region: str
    endpoints: tuple[tuple[str, str], ...]
    #: The server must be off before the call; where `mode` may be sent, the cloud can do that itself.
    requires_stopped: bool

    @property
    def addresses(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(URL, the services there), each URL once."""
        found: dict[str, list[str]] = {}
        for name, url in self.endpoints:
            found.setdefault(url, []).append(name)
        return tuple((url, tuple(names)) for url, names in found.items())


@dataclass(frozen=True, slots=True)
class KnownCloud:
    """A profile to choose from, with the regions it knows; others may be written down."""

    key: str
    title: str
    regions: tuple[str, ...]
    note: str


def known_clouds() -> tuple[KnownCloud, ...]:
    """All profiles."""
    return tuple(
        KnownCloud(profile.key, profile.title, profile.regions, profile.notes.get("endpoints", ""))
        for profile in PROFILES.values()
    )


def facts_of(cloud: Cloud) -> CloudFacts:
    """What pages say of a cloud."""
    profile, endpoints = get_profile(cloud.profile), links.endpoints_in(cloud)
    order = [*links.SERVICES, *sorted(set(endpoints) - set(links.SERVICES))]
    return CloudFacts(
        title=profile.title,
        region=cloud.region,
        endpoints=tuple((name, endpoints[name]) for name in order if name in endpoints),
        requires_stopped=profile.requires_stopped,
    )


def fields_of(cloud: Cloud) -> tuple[RequestField, ...]:
    """The fields of a reinstall request, those this cloud does not have among them."""
    profile = get_profile(cloud.profile)
    modes = profile.login_modes
    rows = (
        ("keyname", "keyname, userid", "Sign in with a key pair", "keypair" in modes),
        ("adminpass", "adminpass", "Sign in with a password", "password" in modes),
        ("mode", "mode", "Have the cloud stop a running server first", profile.allows_mode),
        ("user_data", "metadata.user_data", "Script of the first boot", _takes_user_data(profile)),
        ("BYOL", "metadata.BYOL", "Bring a license of your own", profile.allows_byol),
        (
            "encryption",
            "metadata.__system__encrypted, metadata.__system__cmkid",
            "Encrypt the new system disk",
            profile.allows_encryption,
        ),
        ("v1", "v1 call", "Images without Cloud-Init", profile.has_v1),
    )
    return tuple(
        RequestField(name, purpose, there, _note(profile, key, there)) for key, name, purpose, there in rows
    )


def _takes_user_data(profile: Profile) -> bool:
    # It lives in the metadata of the request, which a cloud documents as a whole or not at all.
    return profile.allows_byol or profile.allows_encryption or "user_data" in profile.login_modes


def _note(profile: Profile, key: str, there: bool) -> str:
    return profile.notes.get(key, "" if there else f"{profile.title} does not document it.")
