"""Identifiers that are the same for the same seed, in whatever order things are made."""

from __future__ import annotations

import base64
import hashlib
import random


def digest(seed: int, *parts: object) -> bytes:
    """32 bytes that depend on the seed and on the parts, and on nothing else."""
    text = "/".join([str(seed), *map(str, parts)])
    return hashlib.sha256(text.encode()).digest()


def uuid_of(seed: int, *parts: object) -> str:
    """A version 4 UUID in its usual spelling, 36 characters."""
    raw = bytearray(digest(seed, *parts)[:16])
    raw[6] = (raw[6] & 0x0F) | 0x40
    raw[8] = (raw[8] & 0x3F) | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def hex_of(seed: int, *parts: object) -> str:
    """32 hexadecimal characters, as projects, users and domains have."""
    return digest(seed, *parts)[:16].hex()


def job_id_of(seed: int, *parts: object) -> str:
    """32 hexadecimal characters that begin like the cloud's job ids."""
    return "ff808082" + digest(seed, "job", *parts)[:12].hex()


def access_key_of(seed: int, *parts: object) -> str:
    """20 upper-case letters and digits."""
    return base64.b32encode(digest(seed, "ak", *parts)).decode()[:20]


def secret_of(seed: int, *parts: object, length: int = 40) -> str:
    """Letters and digits, 40 of them unless told."""
    text = base64.b64encode(digest(seed, "secret", *parts) * 2).decode()
    return text.replace("+", "x").replace("/", "y")[:length]


def dice(seed: int, *parts: object) -> random.Random:
    """A random generator of its own for one question."""
    return random.Random(digest(seed, *parts))
