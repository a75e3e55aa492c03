"""cloud-config: valid or not, keys Cloud-Init does not know, values of the wrong type, each with its line."""

import pytest

from reinstall.domain import userdata, userdata_keys


def lines_said(text: str) -> list[tuple[int | None, str]]:
    return [(it.line, it.sentence) for it in userdata.findings(f"#cloud-config\n{text}".encode(), "Linux")]


RIGHT = """\
hostname: web-prod-11
package_update: true
packages:
  - chrony
  - [node-exporter, 1.8.2]
users:
  - default
  - name: ops
    groups: [sudo]
    sudo: "ALL=(ALL) NOPASSWD:ALL"
    ssh_authorized_keys:
      - ssh-ed25519 AAAAC3Nz ops
write_files:
  - path: /etc/motd
    permissions: '0644'
    content: |
      runcmdd: this is text
      \tand so is this
runcmd:
  - [systemctl, enable, --now, node-exporter]
  - "echo a: b"
  - |
    echo c: d
bootcmd: [echo a]
ntp:
mounts:
  - [/dev/vdb, /srv, ext4]
power_state: {mode: reboot}
"""


def test_a_right_one_is_praised() -> None:
    read = userdata.reading(f"#cloud-config\n{RIGHT}".encode(), "Linux")
    assert (read.findings, read.praise) == (
        (),
        "Valid YAML, the first line is right, and Cloud-Init knows every key on top.",
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("runcmdd: []\n", 2, "does not know the key “runcmdd”. Did you mean runcmd?"),
        ("write-files: []\n", 2, "Did you mean write_files?"),
        ("hello_there_friend: 1\n", 2, "does not know the key “hello_there_friend”."),
        ("a b: 1\n", 2, "does not know this key."),
        ("network: {}\n", 2, "from the cloud, not from user data"),
        ("runcmd:\n\t- a\n", 3, "indented with a tab; YAML takes spaces only"),
        ("runcmd: [a\nhostname: b\n", 3, "is not valid YAML at column"),
        ("hostname: a\n  b: c\n", 3, "is not valid YAML at column"),
        ("hostname: a\nfqdn: a.b\nhostname: b\n", 4, "gives the key “hostname” a second time"),
        ("ntp:\n  servers: [a]\n  servers: [b]\n", 4, "gives the key “servers” a second time"),
        ("- a\n", 2, "begins a list; a cloud-config consists of keys"),
        ("hello\n", 2, "begins text"),
        ("runcmd: echo\n", 2, "runcmd wants a list, not text."),
        ("packages:\n", 2, "packages wants a list, not nothing."),
        ("packages: yes\n", 2, "packages wants a list, not true or false."),
        ("hostname: 12\n", 2, "hostname wants text, not a number. Put it in quotes."),
        ("hostname: 2026-11-27\n", 2, "not a date. Put it in quotes."),
        ("package_update: 'yes'\n", 2, "package_update wants true or false, not text."),
        ("ssh_authorized_keys: ssh-ed25519 AAAA\n", 2, "ssh_authorized_keys wants a list"),
        ("write_files: {path: /a}\n", 2, "write_files wants a list, not keys with values."),
        ("users: 5\n", 2, "users wants a list or keys with values or text, not a number."),
        ("runcmd:\n  - echo foo: bar\n", 3, "because of “: ” in it. Quote the whole."),
        ("bootcmd:\n  - true\n", 3, "an item of bootcmd wants text or a list, not true or false."),
        ("write_files:\n  - path: /a\n    permissions: 644\n", 4, "Write '0644'."),
        ("write_files:\n  - content: a\n", 3, "this item of write_files has no path."),
        (
            "users:\n  - name: a\n    shel: /bin/sh\n",
            4,
            "users does not know the key “shel”. Did you mean shell?",
        ),
        ("ssh_pwauth: yes\n", 2, "lets people sign in with a password"),
        ("hostname: a\n---\nfqdn: b\n", 4, "begins a second document"),
        ("hostname: \x07\n", 2, "character that YAML does not allow"),
        ("x: " + "[" * 100 + "]" * 100 + "\n", 2, "nested more than 60 levels deep"),
    ],
)
def test_each_mistake_has_its_line_and_its_sentence(text: str, line: int, words: str) -> None:
    found = [(at, sentence) for at, sentence in lines_said(text) if words in sentence]
    assert [at for at, _ in found] == [line], lines_said(text)


@pytest.mark.parametrize(
    "text",
    [
        "ssh_pwauth: no\n",
        "locale: false\n",
        "users: default\n",
        "users:\n  - &u {name: a}\n  - <<: *u\n    shell: /bin/sh\n",
        "write_files:\n  - path: /a\n    permissions: 0644\n",
        "merge_how: &a [x]\nruncmd: *a\n",
    ],
)
def test_what_is_allowed_is_let_through(text: str) -> None:
    assert lines_said(text) == []


def test_no_keys_at_all_is_told() -> None:
    assert lines_said("# nothing\n") == [(None, "The cloud-config has no keys: nothing will be done.")]


def test_crlf_does_not_hurt_yaml() -> None:
    assert userdata.findings(b"#cloud-config\r\nhostname: a\r\nruncmd:\r\n  - a\r\n") == ()


def test_an_archive_is_a_list() -> None:
    (finding,) = userdata.findings(b"#cloud-config-archive\na: b\n")
    assert finding.sentence.startswith("A #cloud-config-archive is a list")


def test_the_tables_agree_with_each_other() -> None:
    assert set(userdata_keys.TYPES) <= userdata_keys.KEYS
    assert set(userdata_keys.ITEMS) <= set(userdata_keys.TYPES)
    assert not userdata_keys.KEYS & userdata_keys.OLD_KEYS
    for kinds in (*userdata_keys.TYPES.values(), *userdata_keys.ITEMS.values()):
        assert set(kinds) <= set(userdata_keys.WORDS)
