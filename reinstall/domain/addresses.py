"""Which addresses may be called: the portal holds keys that wipe servers, so it does not call anybody.

Source of the address ranges: the IANA registries of special-purpose IPv4 and IPv6 addresses (RFC 6890), NAT64
(RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

#: The last 32 bits are an IPv4 address.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
#: Protocol assignments: is_global calls some of these global.
_NOT_HOSTS = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv4Network("100.64.0.0/10"))
_PRIVATE_NAMES = (".local", ".localhost", ".localdomain", ".internal", ".intranet", ".lan", ".home.arpa")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
#: "127.1", "0x7f.0.0.1", "2130706433": not an address to us, but one to the resolver.
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")


def is_public(address: Address) -> bool:
    """True for an address out on the internet, also behind every way of wrapping IPv4 into IPv6."""
    inner = _unwrapped(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv4Address) and any(address in network for network in _NOT_HOSTS):
        return False
    return address.is_global and not address.is_multicast


def why_private(host: str) -> str:
    """Why `host`, an IP address as text, is not out on the internet; "" where it is."""
    address = ip_address(host.partition("%")[0])
    return "" if is_public(address) else f"{host} is a private or reserved address"


def _unwrapped(address: Address) -> Address | None:
    """The IPv4 address inside an IPv6 one, if it is of a kind that has one."""
    if isinstance(address, IPv4Address):
        return None
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and any(address in network for network in _NAT64):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner


def wrong_endpoint(url: str, *, lax: bool) -> str:
    """Why `url` cannot be an endpoint of a cloud, as a sentence; empty when it can.

    `lax` lets it be plain http, on any port and in a private network: a simulator. Never a link-local
    address: the credentials of the machine itself are served there.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "This is not an URL. Write https://host."
    if not url.isascii() or not url.isprintable() or " " in url:
        return "Write the URL in ASCII, without white space; a name in other letters as xn--…"
    extra = "@" in parts.netloc or parts.query or parts.fragment or parts.path not in ("", "/")
    if parts.scheme not in ("https", "http") or not host or extra:
        return "Write https://host, without user, path, query or fragment."
    if parts.scheme != "https" and not lax:
        return "Write https://; plain http is for the simulator only."
    if port not in (None, 443) and not lax:
        return f"Leave out the port {port}; a cloud answers on 443."
    return _wrong_host(host, lax=lax)


def _wrong_host(host: str, *, lax: bool) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return _wrong_name(host, lax=lax)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return f"{host} is no address of a cloud."
    return "" if lax or is_public(address) else f"{host} is a private address."


def _wrong_name(host: str, *, lax: bool) -> str:
    if _NUMBER.fullmatch(host.rpartition(".")[2]) or not _HOST.fullmatch(host) or len(host) > 253:
        return f"{host} is not the name of a host; write it like ecs.eu-de.example.com."
    if lax or ("." in host and not f".{host}".endswith(_PRIVATE_NAMES)):
        return ""
    return f"{host} is a name of a private network."
