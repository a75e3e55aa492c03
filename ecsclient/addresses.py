"""Which network addresses a cloud endpoint can never have.

A wrong or hostile name may resolve to the address where a virtual machine reads its own credentials
(169.254.169.254). That address and its relatives are refused at the moment of connecting, so a name that
resolves differently the second time gains nothing. Whether a private network is a fit place for a cloud is
a decision of whoever uses this package: a session takes a rule for it, asked at the same moment.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

#: An IP address as text -> why it must not be connected to; "" where it may be.
AddressRule = Callable[[str], str]

_NAT64 = 0x0064FF9B << 96


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address which an IPv6 address carries inside, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if int(address) >> 32 == _NAT64 >> 32:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def why_refused(host: str) -> str:
    """The reason why `host`, an IP address as text, is no address of a cloud; empty where it may be one."""
    address = _unwrapped(ip_address(host.partition("%")[0]))
    if address.is_link_local:
        return f"{host} is a link-local address"
    if address.is_multicast:
        return f"{host} is a multicast address"
    if address.is_unspecified:
        return f"{host} is not an address of a machine"
    return ""


def any_other(_: str) -> str:
    """The rule that refuses no address that a cloud can have."""
    return ""
