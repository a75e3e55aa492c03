"""What a connection test sees below the API: names, certificates, clocks; no address that is refused."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecsclient.errors import Unsent
from ecsclient.probing import look_up, read_clock, secure
from tests.ecsclient.rawserver import RawServer, answering, certificate
from tests.ecsclient.scriptedcloud import Reply, ScriptedCloud


def never(address: str) -> str:
    return f"{address} is not for us"


def test_a_name_is_looked_up_and_every_address_of_it_is_checked() -> None:
    assert look_up("https://127.0.0.1:1") == ("127.0.0.1",)
    with pytest.raises(Unsent, match=r"the address is refused: 127\.0\.0\.1 is not for us"):
        look_up("https://127.0.0.1", never)
    with pytest.raises(Unsent, match="link-local"):
        look_up("https://169.254.169.254")
    with pytest.raises(Unsent, match=r"no-such-host\.invalid"):
        look_up("https://no-such-host.invalid")


def test_a_trusted_certificate_tells_its_protocol_and_its_end(tmp_path: Path) -> None:
    context, cert = certificate(tmp_path)
    with RawServer(answering(b""), tls=context) as server:
        made = secure(server.url, tls_context=ssl.create_default_context(cafile=cert))
    assert made.protocol == "TLSv1.3"
    assert made.expires_at is not None and timedelta(0) < made.expires_at - datetime.now(UTC) < timedelta(
        days=2
    )


def test_a_certificate_nobody_vouches_for_is_told_in_words(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    with RawServer(answering(b""), tls=context) as server, pytest.raises(Unsent, match="self-signed"):
        secure(server.url)


def test_no_handshake_with_what_speaks_no_tls_or_is_refused() -> None:
    with RawServer(answering(b"")) as server:
        with pytest.raises(Unsent):
            secure(server.url.replace("http:", "https:"))
        with pytest.raises(Unsent, match="is not for us"):
            secure(server.url, never)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unsent):
        secure(f"https://127.0.0.1:{port}")


@pytest.mark.parametrize("ahead", [0, 90, -1200])
def test_the_date_of_any_answer_tells_the_clock_and_nothing_secret_is_sent(
    cloud: ScriptedCloud, ahead: int
) -> None:
    cloud.on("/", Reply(404, {}))
    read = read_clock(cloud.base, clock=lambda: datetime.now(UTC) - timedelta(seconds=ahead))
    assert read.ahead_s == pytest.approx(ahead, abs=2)
    (asked,) = cloud.asked
    assert not {"authorization", "x-auth-token", "x-project-id"} & {name.lower() for name in asked.headers}
    with pytest.raises(Unsent, match="is not for us"):
        read_clock(cloud.base, never)


def test_an_answer_without_a_date_tells_no_time() -> None:
    with RawServer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as server:
        assert read_clock(server.url).ahead_s is None
