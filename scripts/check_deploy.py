"""`check --deploy` as production would run it: PostgreSQL, a broker, https behind a proxy, keys in files.

A database of its own is made, migrated and dropped. Exit status 1 when anything is warned of.
"""

import base64
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
SERVER = os.environ.get("PORTAL_TEST_POSTGRES_URL", "postgres://ecsportal:ecsportal@127.0.0.1:5432/ecsportal")


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


def main() -> int:
    name = f"ecsportal_check_{secrets.token_hex(4)}"
    with psycopg.connect(SERVER, autocommit=True) as connection, tempfile.TemporaryDirectory() as folder:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            given = environment(Path(folder), name)
            for command in (
                ["migrate", "--verbosity", "0"],
                ["check", "--deploy", "--fail-level", "WARNING"],
            ):
                done = subprocess.run(
                    [sys.executable, "manage.py", *command], cwd=ROOT, env=given, check=False
                )
                if done.returncode:
                    return done.returncode
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
