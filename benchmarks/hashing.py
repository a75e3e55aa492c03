"""Prints what checking one password takes in ms, as JSON: `python -m benchmarks.hashing TIMES`."""

import json
import sys
import time

import django


def main() -> None:
    """Each time is one check of the right password, hashed as the portal hashes it."""
    django.setup()
    from django.contrib.auth.hashers import check_password, make_password

    kept = make_password("correct horse battery")
    took = []
    for _ in range(int(sys.argv[1])):
        begun = time.perf_counter()
        assert check_password("correct horse battery", kept)
        took.append((time.perf_counter() - begun) * 1000)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
