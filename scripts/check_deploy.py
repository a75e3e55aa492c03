"""`check --deploy` as production would run it: PostgreSQL, a broker, https behind a proxy, keys in files.

A database of its own is made, migrated, restricted as docs/operate.md says, and dropped. Exit status 1 when
anything is warned of.
"""

import base64
import os
import re
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
SERVER = os.environ.get("PORTAL_TEST_POSTGRES_URL", "postgres://ecsportal:ecsportal@127.0.0.1:5432/ecsportal")


#: The name docs/operate.md gives to the restricted user. Here it is the owner who loses the rights: making
#: another one is not everybody's to do, and to the database it is the same.
DOCUMENTED = "ecsportal_app"


def restrict(database: str) -> None:
    """Takes the rights away that docs/operate.md takes away, by the statements that stand there."""
    [block] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "operate.md").read_text("utf-8"), re.S)
    with psycopg.connect(f"{SERVER.rpartition('/')[0]}/{database}", autocommit=True) as connection:
        for line in block.replace(DOCUMENTED, "CURRENT_USER").splitlines():
            if not line.startswith("CREATE ROLE"):
                connection.execute(line.encode())


def environment(directory: Path, database: str) -> dict[str, str]:
    """Nothing of the caller's settings, and keys made for this one run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECSPORTAL_")}
    (directory / "secret").write_text(secrets.token_urlsafe(48))
    (directory / "keys").write_text(f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    return kept | {
        "ECSPORTAL_DATA_DIR": str(directory),
        "ECSPORTAL_DATABASE_URL": f"{SERVER.rpartition('/')[0]}/{database}",
        "ECSPORTAL_BROKER_URL": "redis://127.0.0.1:6379/0",
        "ECSPORTAL_BASE_URL": "https://portal.example.com",
        "ECSPORTAL_ALLOWED_HOSTS": "portal.example.com",
        "ECSPORTAL_DEPLOYMENT_ID": "portal-production",
        "ECSPORTAL_TRUST_PROXY": "true",
        "ECSPORTAL_SECRET_KEY_FILE": str(directory / "secret"),
        "ECSPORTAL_ENCRYPTION_KEYS_FILE": str(directory / "keys"),
    }


def run(given: dict[str, str], *command: str) -> int:
    """The exit status of a management command."""
    return subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=given, check=False
    ).returncode


def main() -> int:
    name = f"ecsportal_check_{secrets.token_hex(4)}"
    with psycopg.connect(SERVER, autocommit=True) as connection, tempfile.TemporaryDirectory() as folder:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            given = environment(Path(folder), name)
            if run(given, "migrate", "--verbosity", "0"):
                return 1
            restrict(name)
            return run(given, "check", "--deploy", "--fail-level", "WARNING")
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


if __name__ == "__main__":
    sys.exit(main())
