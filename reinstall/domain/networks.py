"""From where a token may be used: networks as people write them, and whether an address is inside."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
#: More than this is a list nobody reads again.
MAX_NETWORKS = 20


def read_network(text: str) -> str:
    """A network as it is kept: "10.1.0.0/16", a single address with /32 or /128. Raises ValueError saying
    what is right."""
    shown = text.strip()[:60]
    try:
        if "%" in text:
            raise ValueError("a scope is not part of an address")
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(
            f"{shown!r} is not a network; write 10.1.0.0/16, 2001:db8::/48 or one address"
        ) from None
    address = ip_address(text.strip().partition("/")[0])
    if address != network.network_address:
        raise ValueError(f"{shown} is an address inside a network; write {network} or {address}")
    return str(network)


def is_inside(address: str, networks: Sequence[str]) -> bool:
    """Whether `address` is in one of `networks`; an IPv4 address that came over IPv6 counts as what it is.

    What is no address is in none.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None) or found
    # An address is never in a network of the other version.
    return any(inner in ip_network(network) for network in networks)
