"""Envelope encryption of secrets at rest: AES-256-GCM, one data key per record, wrapped by a key with an id.

The associated data names table, column and row, so a sealed value moved to another row does not open.
Rotating the outer key rewraps 48 bytes per record. Layout: version, length and id of the key, wrapped data
key, nonce, text.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12
_WRAPPED = _NONCE + 32 + 16


class CannotOpen(Exception):
    """A sealed value does not open: its key is not here, or it was changed or moved."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys of 32 bytes by id; the first one seals, all of them open."""

    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def current(self) -> str:
        return next(iter(self.keys))

    def seal(self, plain: bytes, place: str) -> bytes:
        """Seals `plain` for `place` ("table:column:row")."""
        data_key = secrets.token_bytes(32)
        wrapped = self._encrypt(self.keys[self.current], data_key, b"dek:" + place.encode())
        return self._head() + wrapped + self._encrypt(data_key, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """The plain bytes. Raises CannotOpen, which names the place and never what was sealed."""
        key_id, rest = self._parts(sealed, place)
        data_key = self._decrypt(self.keys[key_id], rest[:_WRAPPED], b"dek:" + place.encode())
        return self._decrypt(data_key, rest[_WRAPPED:], place.encode())

    def rewrapped(self, sealed: bytes, place: str) -> bytes:
        """The same value under the current key, its text untouched; as it is where that key wraps it already.

        Raises CannotOpen as `open` does.
        """
        key_id, rest = self._parts(sealed, place)
        if key_id == self.current:
            return bytes(sealed)
        bound = b"dek:" + place.encode()
        data_key = self._decrypt(self.keys[key_id], rest[:_WRAPPED], bound)
        return self._head() + self._encrypt(self.keys[self.current], data_key, bound) + rest[_WRAPPED:]

    def _head(self) -> bytes:
        key_id = self.current.encode()
        return _VERSION + bytes([len(key_id)]) + key_id

    def _parts(self, sealed: bytes, place: str) -> tuple[str, bytes]:
        """(id of the key, what follows it). Raises CannotOpen."""
        sealed = bytes(sealed)
        size = sealed[1] if len(sealed) > 2 else 0
        key_id = sealed[2 : 2 + size].decode("ascii", "replace")
        if sealed[:1] != _VERSION or key_id not in self.keys:
            raise CannotOpen(f"no key {key_id!r} to open {place}")
        return key_id, sealed[2 + size :]

    @staticmethod
    def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(key).encrypt(nonce, plain, bound)

    @staticmethod
    def _decrypt(key: bytes, data: bytes, bound: bytes) -> bytes:
        try:
            return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], bound)
        except (InvalidTag, ValueError):
            raise CannotOpen(f"{bound.decode()} was changed or moved") from None
