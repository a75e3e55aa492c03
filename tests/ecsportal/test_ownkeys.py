"""Keys the embedded portal makes for itself: once, for its owner only, by whichever process is first."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings

from ecsportal.ownkeys import own_encryption_keys, own_secret_key, own_text

PROGRAM = """
import sys, secrets
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from ecsportal.ownkeys import own_text
sys.stdin.readline()
print(own_text(Path(sys.argv[1]), secrets.token_urlsafe(48)))
"""


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = own_secret_key(tmp_path / "data")
    assert len(first) >= 48
    assert own_secret_key(tmp_path / "data") == first
    assert stat.S_IMODE((tmp_path / "data" / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret-key"]


def test_an_encryption_key_has_32_bytes_and_stays(tmp_path: Path) -> None:
    keys = own_encryption_keys(tmp_path)
    assert list(keys) == ["own"]
    assert len(keys["own"]) == 32
    assert own_encryption_keys(tmp_path) == keys
    assert stat.S_IMODE((tmp_path / "encryption-key").stat().st_mode) == 0o600


def test_two_directories_have_two_keys(tmp_path: Path) -> None:
    assert own_secret_key(tmp_path / "a") != own_secret_key(tmp_path / "b")


def test_what_is_there_is_kept_whoever_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("mine\n")
    assert own_text(tmp_path / "key", "fresh") == "mine"


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "key"), str(settings.BASE_DIR)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate(timeout=30)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert said == {(tmp_path / "key").read_text()}
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_threads_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = set(pool.map(lambda number: own_text(tmp_path / "key", f"fresh {number}"), range(8)))
    assert said == {(tmp_path / "key").read_text()}
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
