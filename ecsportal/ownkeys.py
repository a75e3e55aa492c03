"""Secrets the embedded default makes for itself, so that one command is enough on a laptop."""

import base64
import os
import secrets
import threading
from pathlib import Path


def own_secret_key(data_dir: Path) -> str:
    """The signing key of this data directory; made once, mode 0600."""
    return own_text(data_dir / "secret-key", secrets.token_urlsafe(48))


def own_encryption_keys(data_dir: Path) -> dict[str, bytes]:
    """The encryption key of this data directory; made once, mode 0600."""
    text = own_text(data_dir / "encryption-key", base64.b64encode(secrets.token_bytes(32)).decode("ascii"))
    return {"own": base64.b64decode(text)}


def own_text(path: Path, fresh: str) -> str:
    """The content of `path`; `fresh` is written there when it does not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    if not path.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh)
            file.flush()
            # An empty key after a power cut would be taken for the key.
            os.fsync(file.fileno())
        try:
            # Link, not rename: of two processes that start at once, the first one's key stays.
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text(encoding="ascii").strip()
