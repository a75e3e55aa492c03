"""Servers nobody may reinstall: protected here by a person, or at the cloud by a tag."""

from collections.abc import Iterable

#: The key of the tag; its value says nothing.
TAG = "ecsportal:protected"


def tagged(tags: Iterable[str]) -> bool:
    """Whether one of the "k=v" tags protects the server. Only the cloud can lift that."""
    return any(tag == TAG or tag.startswith(f"{TAG}=") for tag in tags)


def protection_of(name: str, tags: Iterable[str], reason: str, by_name: str) -> str:
    """Why a server must not be reinstalled, and what would change that; "" where it is not protected."""
    if reason:
        return f'{name} is protected by {by_name}: "{reason}". Remove the protection first; that is logged.'
    if tagged(tags):
        return f"{name} is protected at the cloud by the tag {TAG}. Remove the tag there, then sync."
    return ""
