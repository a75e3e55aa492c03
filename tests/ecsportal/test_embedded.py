"""The portal in one process: where it can listen, and whom it believes."""

import socket

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ecsportal.embedded import web_config, why_not_listen


def test_a_taken_port_is_named_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert why_not_listen("127.0.0.1", port).startswith(f"Cannot listen on 127.0.0.1, port {port}: ")
    assert why_not_listen("127.0.0.1", port) == ""


@pytest.mark.parametrize("port", [-1, 0, 65_536, 99_999])
def test_a_port_is_a_number_a_browser_can_be_given(port: int) -> None:
    assert why_not_listen("127.0.0.1", port) == f"--port is {port}; write a number from 1 to 65535."


def test_an_address_of_another_machine_is_refused() -> None:
    assert "Cannot listen on 192.0.2.1, port 8000: " in why_not_listen("192.0.2.1", 8000)


def test_a_neighbour_on_this_machine_cannot_say_where_it_comes_from() -> None:
    """uvicorn believes X-Forwarded-For of 127.0.0.1 by default, whatever ECSPORTAL_TRUST_PROXY says."""
    config = web_config("127.0.0.1", 8000)
    config.load()
    assert not isinstance(config.loaded_app, ProxyHeadersMiddleware)
