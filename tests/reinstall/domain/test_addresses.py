"""Which endpoints a cloud may have: a table of addresses in disguise, and the plain rules."""

from ipaddress import ip_address

import pytest

from reinstall.domain.addresses import is_public, wrong_endpoint

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_out_there_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    assert wrong_endpoint(f"https://{host}", lax=False)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "80.158.1.1", "2a00:1450:4001::1", "::ffff:8.8.8.8", "2002:808:808::"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://ecs.eu-de.otc.t-systems.com",
        "https://ecs.eu-de.otc.t-systems.com/",
        "https://ecs.eu-de.otc.t-systems.com:443",
        "https://80.158.1.1",
        "https://xn--bcher-kva.example.com",
    ],
)
def test_an_endpoint_of_a_cloud_is_allowed(url: str) -> None:
    assert wrong_endpoint(url, lax=False) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ecs.example.com",
        "//ecs.example.com",
        "ftp://ecs.example.com",
        "file:///etc/passwd",
        "http://ecs.example.com",
        "https://",
        "https:///path",
        "https://user@ecs.example.com",
        "https://:secret@ecs.example.com",
        "https://ecs.example.com@127.0.0.1",
        "https://ecs.example.com/v3",
        "https://ecs.example.com?x=1",
        "https://ecs.example.com#x",
        "https://ecs.example.com:8443",
        "https://ecs.example.com:99999",
        "https://ecs.example.com:http",
        "https://ecs .example.com",
        "https://ecs.exam\nple.com",
        "\thttps://ecs.example.com",
        "https://localhost",
        "https://localhost.",
        "https://portal.localhost",
        "https://db.internal",
        "https://db.internal.",
        "https://printer.local",
        "https://router.lan",
        "https://simulator",
        "https://127.0.0.1.",
        "https://2130706433",
        "https://0x7f000001",
        "https://0177.0.0.1",
        "https://127.1",
        "https://0x7f.0.0.1",
        "https://127.0.0.0x1",
        "https://１２７.０.０.１",
        "https://127。0。0。1",
        "https://ecs_1.example.com",
        "https://-ecs.example.com",
        "https://[::1",
        "https://[fe80::1%25eth0]",
    ],
)
def test_what_is_no_endpoint_of_a_cloud_is_refused_with_a_sentence(url: str) -> None:
    assert wrong_endpoint(url, lax=False).endswith((".", "…"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4711",
        "http://simulator:9000",
        "https://10.0.0.5",
        "http://localhost:80",
        "http://[::1]:80",
    ],
)
def test_a_simulator_may_be_next_door(url: str) -> None:
    assert wrong_endpoint(url, lax=True) == ""
    assert wrong_endpoint(url, lax=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254",
        "http://[fe80::1]",
        "http://224.0.0.1",
        "http://0.0.0.0",
        "http://a@b",
        "http://127.1",
    ],
)
def test_even_a_simulator_is_not_where_a_machine_keeps_its_own_credentials(url: str) -> None:
    assert wrong_endpoint(url, lax=True)
