"""Lines that look like secrets are named and never repeated; variables and switches are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain import userdata

SECRETS = [
    ("export DB_PASSWORD='abc123x'", "a password"),
    ("password: correct-horse", "a password"),
    ("    plain_text_passwd: hunter2", "a password"),
    ('{"adminPass": "S3cret!"}', "a password"),
    ("mysql --password=hunter2 -u root", "a password"),
    ("sshpass -p hunter2 ssh a", "a password"),
    ("echo root:hunter2 | chpasswd", "a password"),
    ("echo 'root:hunter2' | sudo chpasswd", "a password"),
    ("curl https://bob:hunter2@example.org/", "a password"),
    ("    passwd: $6$rounds=4096$salt$V6azyeLwcD3CHlpY", "a password hash"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
    ("-----BEGIN PRIVATE KEY-----", "a private key"),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key"),
    ("aws_access_key_id = AKIAIOSFODNN7EXAMPLE", "a token or access key"),
    ("x ghp_" + "a1B2" * 9, "a token or access key"),
    ("API_KEY=0123456789abcdef", "a token or access key"),
    ("curl -H 'Authorization: Bearer abcdefghij1' x", "a token or access key"),
    ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3", "a token or access key"),
]

HARMLESS = [
    "PASSWORD=$1",
    'PASSWORD="${DB_PASSWORD}"',
    "password=$(cat /run/secret)",
    "password: {{ vault.password }}",
    "lock_passwd: true",
    "ssh_pwauth: false",
    "password: <yours>",
    "cp /etc/passwd /srv",
    "PasswordAuthentication no",
    "bypass: everything",
    "password_file: /etc/secret",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublicKeyPublicKey ops",
    "-----BEGIN CERTIFICATE-----",
    "http://example.org:8080/a",
    "token=",
    "passwd root",
    "bob ALL=(ALL) NOPASSWD:ALL",
]


@pytest.mark.parametrize(("line", "kind"), SECRETS)
def test_a_secret_is_named_with_its_line_and_not_repeated(line: str, kind: str) -> None:
    (finding,) = userdata.findings(f"#!/bin/sh\necho\n{line}\n".encode())
    assert finding.sentence == (
        f"Line 3 looks like {kind}. User data can be read by every process on the server. "
        "Use a secret store, or go on and this line stays hidden here."
    )


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert userdata.findings(f"#!/bin/sh\n{line}\n".encode()) == ()


def test_the_pairs_of_chpasswd_are_found() -> None:
    raw = (
        b"#cloud-config\nchpasswd:\n  list: |\n    root:hunter2\n    bob:RANDOM\n  expire: false\nfqdn: a.b\n"
    )
    assert [(it.code, it.line) for it in userdata.findings(raw)] == [("secret", 4)]


@given(
    st.from_regex(r"[A-Za-z0-9]{6,12}-[A-Za-z0-9]{6,20}", fullmatch=True), st.sampled_from([0, 1, 2, 3, 4])
)
def test_no_sentence_ever_repeats_a_secret(secret: str, at: int) -> None:
    texts = (
        f"#!/bin/sh\nPASSWORD='{secret}'\n",
        f"#cloud-config\npassword: {secret}\n",
        f"#cloud-config\nchpasswd:\n  list: |\n    root:{secret}\n",
        f"#cloud-config\nusers:\n  - password={secret}\n  - passwd: {secret}: [\n",
        f"password: {secret}\n",
    )
    assert not any(secret in it.sentence for it in userdata.findings(texts[at].encode(), "Linux"))
