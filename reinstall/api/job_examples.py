"""Examples of parts of a job."""

from typing import Any

ASKED: dict[str, Any] = {
    "keyname": "KeyPair-350b",
    "userid": "7e25b1da389f4697a79df3a0e5bd494e",
    "mode": "withStopServer",
    "byol": False,
    "encrypted": True,
    "cmkid": "83cdb52d-9ebf-4469-9cfa-e7b5b80da846",
    "user_data_bytes": 21,
    "user_data_sha256": "5b6f0c6d4f0b4c39a1d5e2b7c8f9a0b15b6f0c6d4f0b4c39a1d5e2b7c8f9a0b1",
    "login": "keypair",
    "version": "v2",
    "preset": "base-hardening@14",
}
