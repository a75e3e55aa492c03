"""A PostgreSQL database of a benchmark's own, and a Redis to go with it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import redis
from psycopg import sql

from benchmarks.figures import NotMeasured

POSTGRES = os.environ.get(
    "PORTAL_TEST_POSTGRES_URL", "postgres://ecsportal:ecsportal@127.0.0.1:5432/ecsportal"
)
REDIS = os.environ.get("PORTAL_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


@contextmanager
def own_postgres() -> Iterator[dict[str, str]]:
    """A fresh database, as settings of a portal. Raises NotMeasured where no server answers."""
    name = f"bench_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as error:
        raise NotMeasured(f"no PostgreSQL answers ({str(error).splitlines()[0]}): make services") from None
    own = {
        "ECSPORTAL_DATABASE_URL": f"{POSTGRES.rsplit('/', 1)[0]}/{name}",
        "ECSPORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "ECSPORTAL_ENCRYPTION_KEYS": "bench:" + "A" * 43 + "=",
        "ECSPORTAL_DEPLOYMENT_ID": name,
    }
    try:
        yield own
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def redis_settings() -> dict[str, str]:
    """Redis as broker and for live pages. Raises NotMeasured where no server answers."""
    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=5).ping()
    except redis.exceptions.RedisError as error:
        raise NotMeasured(f"no Redis answers ({error}): make services") from None
    return {"ECSPORTAL_BROKER_URL": REDIS, "ECSPORTAL_REDIS_URL": REDIS}
