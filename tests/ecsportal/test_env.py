"""Settings from the environment: each mistake stops the start with one sentence that names it."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ecsportal.env import KNOWN, Environment, read_environment, writable

KEY = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()
DATABASE = "ECSPORTAL_DATABASE_URL"
SCHEMES = ("postgres", "postgresql", "sqlite", "redis", "amqp", "memory", "https")


def env(**values: str) -> Environment:
    return read_environment({f"ECSPORTAL_{name}": value for name, value in values.items()})


def said(words: str) -> "pytest.RaisesExc[ImproperlyConfigured]":
    return pytest.raises(ImproperlyConfigured, match=re.escape(words))


def test_a_name_nobody_knows_stops_the_start() -> None:
    with said("ECSPORTAL_SECRETKEY is not a setting of ecsportal. Known: ECSPORTAL_ALLOWED_HOSTS"):
        env(SECRETKEY="x")
    with said("ECSPORTAL_SECRET_KEY_FILE_FILE is not a setting"):
        env(SECRET_KEY_FILE_FILE="x")


def test_names_of_others_are_none_of_our_business() -> None:
    assert read_environment({"PATH": "/bin", "DJANGO_DEBUG": "1", "XECSPORTAL_A": "1"}).values


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_known_name_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("  from the file\n", encoding="utf-8")
    given = read_environment({f"{name}_FILE": str(tmp_path / "value")})
    assert given.text(name) == "from the file"
    with said(f"{name} and {name}_FILE are both set; keep one of them."):
        read_environment({name: "x", f"{name}_FILE": str(tmp_path / "value")}).text(name)


@pytest.mark.parametrize("path", ["", "/nowhere/at/all", "."])
def test_a_file_that_cannot_be_read_is_named(path: str) -> None:
    with said("ECSPORTAL_SECRET_KEY_FILE: cannot read"):
        env(SECRET_KEY_FILE=path).text("ECSPORTAL_SECRET_KEY")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(b"\xff\xfe\x00")
    with said("ECSPORTAL_SECRET_KEY_FILE: cannot read"):
        env(SECRET_KEY_FILE=str(tmp_path / "value")).text("ECSPORTAL_SECRET_KEY")


@pytest.mark.parametrize("value", ["true", "TRUE", "1", "yes", "on", " true "])
def test_true(value: str) -> None:
    assert env(DEBUG=value).flag("ECSPORTAL_DEBUG") is True


@pytest.mark.parametrize("value", ["false", "False", "0", "no", "off", ""])
def test_false(value: str) -> None:
    assert env(DEBUG=value).flag("ECSPORTAL_DEBUG", default=True) is False


@pytest.mark.parametrize("value", ["maybe", "2", "tru", "enabled"])
def test_neither(value: str) -> None:
    with said(f"ECSPORTAL_DEBUG is {value!r}; write true or false."):
        env(DEBUG=value).flag("ECSPORTAL_DEBUG")


def test_a_choice_names_what_there_is() -> None:
    with said("ECSPORTAL_LOG_LEVEL is 'loud'; write one of DEBUG, INFO."):
        env(LOG_LEVEL="loud").choice("ECSPORTAL_LOG_LEVEL", "INFO", ("DEBUG", "INFO"))
    assert env().choice("ECSPORTAL_LOG_LEVEL", "INFO", ("DEBUG", "INFO")) == "INFO"


def test_lists_lose_their_white_space() -> None:
    assert env(ALLOWED_HOSTS=" a.example ,, b.example,").items("ECSPORTAL_ALLOWED_HOSTS") == [
        "a.example",
        "b.example",
    ]
    assert env().items("ECSPORTAL_ALLOWED_HOSTS") == []


@pytest.mark.parametrize(
    "value",
    [
        "postgres://u:p@h:5432/db",
        "postgresql://u@[::1]/db",
        "postgres:///db",
        "sqlite:////var/lib/x.sqlite3",
        "sqlite:///x.sqlite3",
        "redis://h",
        "amqp://guest:guest@h:5672//",
        "memory://",
    ],
)
def test_addresses_that_are_right(value: str) -> None:
    assert env(DATABASE_URL=value).url(DATABASE, "", SCHEMES) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("mysql://u:hidden@h/db", "does not start with postgres:// or"),
        ("just text", "does not start with"),
        ("postgres://u:hidden@h:port/db", "the port is a number"),
        ("postgres://u:hidden@h:99999/db", "the port is a number"),
        ("postgres://u:hidden@[::1/db", "an IPv6 address stands in [ ]"),
        ("postgres://u:hidden@h", "names no database; write postgres://user:password@host:5432/name."),
        ("postgres://u:hidden@h/", "names no database"),
        ("sqlite://", "names no file; write sqlite:///path."),
        ("sqlite:///", "names no file"),
        ("redis://", "names no host."),
        ("redis://:hidden@", "names no host."),
        ("amqp:///vhost", "names no host."),
    ],
)
def test_addresses_that_are_wrong_are_named_and_never_repeated(value: str, words: str) -> None:
    with said(words) as caught:
        env(DATABASE_URL=value).url(DATABASE, "", SCHEMES)
    assert str(caught.value).startswith(DATABASE)
    assert "hidden" not in str(caught.value)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert (
        env(BASE_URL="https://portal.example.com/").origin("ECSPORTAL_BASE_URL")
        == "https://portal.example.com"
    )
    assert env(BASE_URL="http://127.0.0.1:8000").origin("ECSPORTAL_BASE_URL") == "http://127.0.0.1:8000"
    assert env().origin("ECSPORTAL_BASE_URL") == ""


@pytest.mark.parametrize(
    "value", ["https://h/path", "https://h?x=1", "https://h#x", "https://u@h", "https://u:p@h"]
)
def test_an_origin_with_more_is_refused(value: str) -> None:
    with said("ECSPORTAL_BASE_URL is scheme, host and port only"):
        env(BASE_URL=value).origin("ECSPORTAL_BASE_URL")


@pytest.mark.parametrize(
    "value", ["portal.example.com", ".example.com", "10.0.0.1", "[::1]", "*", "localhost"]
)
def test_a_host_is_a_name_or_an_address(value: str) -> None:
    assert Environment({"N": f"a.example, {value}"}).hosts("N") == ["a.example", value]


@pytest.mark.parametrize("value", ["https://x", "x:8000", "x/y", "a b", "::1", "a..b"])
def test_a_host_with_more_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="N: .* is not a host name; write portal.example.com"):
        Environment({"N": value}).hosts("N")


def test_keys_come_in_their_order() -> None:
    keys = env(ENCRYPTION_KEYS=f"k2:{OTHER}, k1:{KEY}").keys("ECSPORTAL_ENCRYPTION_KEYS")
    assert list(keys.items()) == [("k2", b"o" * 32), ("k1", b"k" * 32)]


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        f":{KEY}",
        f"k 1:{KEY}",
        f"ключ:{KEY}",
        f"{'k' * 17}:{KEY}",
        "k1:",
        "k1:AAAA",
        f"k1:{KEY[:-2]}",
        f"k1:{KEY}{KEY}",
        f"k1:{KEY},k2",
    ],
)
def test_keys_that_are_none_are_refused_without_repeating_them(value: str) -> None:
    with said("ECSPORTAL_ENCRYPTION_KEYS: each key is id:base64") as caught:
        env(ENCRYPTION_KEYS=value).keys("ECSPORTAL_ENCRYPTION_KEYS")
    assert KEY not in str(caught.value)


def test_two_keys_of_one_id_are_refused() -> None:
    with said("the id k1 is there twice"):
        env(ENCRYPTION_KEYS=f"k1:{KEY},k1:{OTHER}").keys("ECSPORTAL_ENCRYPTION_KEYS")


def test_a_directory_is_made_or_named(tmp_path: Path) -> None:
    assert writable("ECSPORTAL_DATA_DIR", tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("x")
    with said("ECSPORTAL_DATA_DIR: cannot make"):
        writable("ECSPORTAL_DATA_DIR", tmp_path / "file" / "x")


PRODUCTION = {"ECSPORTAL_DATABASE_URL": "postgres://u:p@127.0.0.1:1/db"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ECSPORTAL_TYPO": "1"}, "ECSPORTAL_TYPO is not a setting of ecsportal."),
        ({"ECSPORTAL_DEBUG": "maybe"}, "ECSPORTAL_DEBUG is 'maybe'; write true or false."),
        ({"ECSPORTAL_DATABASE_URL": "postgres://u:p@h:x/db"}, "ECSPORTAL_DATABASE_URL is not an URL"),
        ({"ECSPORTAL_BROKER_URL": "redis://h:x/0"}, "ECSPORTAL_BROKER_URL is not an URL"),
        ({"ECSPORTAL_BASE_URL": "portal.example.com"}, "ECSPORTAL_BASE_URL does not start with"),
        (
            {"ECSPORTAL_ALLOWED_HOSTS": "https://x/"},
            "ECSPORTAL_ALLOWED_HOSTS: 'https://x/' is not a host name",
        ),
        ({"ECSPORTAL_LOG_FORMAT": "xml"}, "ECSPORTAL_LOG_FORMAT is 'xml'; write one of text, json."),
        ({"ECSPORTAL_OIDC": "{"}, "ECSPORTAL_OIDC is not JSON."),
        ({"ECSPORTAL_SECOND_FACTOR": "yes"}, "ECSPORTAL_SECOND_FACTOR is 'yes'; write one of real, always,"),
        ({"ECSPORTAL_SESSION_HOURS": "0"}, "ECSPORTAL_SESSION_HOURS is a whole number from 1 to 168"),
        ({"ECSPORTAL_DATA_DIR": "/proc/nowhere"}, "ECSPORTAL_DATA_DIR: cannot make /proc/nowhere"),
        (PRODUCTION, "ECSPORTAL_SECRET_KEY is missing or shorter than 32 characters."),
        (PRODUCTION | {"ECSPORTAL_SECRET_KEY": "x" * 40}, "ECSPORTAL_ENCRYPTION_KEYS is missing"),
    ],
)
def test_the_program_says_one_sentence(values: dict[str, str], words: str, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ECSPORTAL_")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=clean | {"ECSPORTAL_DATA_DIR": str(tmp_path)} | values,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"ecsportal does not start: {words}")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_every_setting_is_in_the_operators_guide() -> None:
    guide = (settings.BASE_DIR / "docs" / "operate.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(ECSPORTAL_[A-Z_]+)` \|", guide, re.MULTILINE))
    assert rows == set(KNOWN)
