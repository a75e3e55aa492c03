"""What a preset says, how two sayings differ, and how one version is named."""

import pytest

from reinstall.domain.presets import Settings, changed_from, differing, labels_of, read_reference, reference

OTHER = Settings(
    keyname="ops",
    userid="7e",
    mode="withStopServer",
    byol=True,
    encrypted=True,
    cmkid="83",
    user_data=b"#!/bin/sh\n",
)


def test_equal_settings_do_not_differ() -> None:
    assert differing(OTHER, OTHER) == ()


def test_every_field_counts_in_the_order_people_read_them() -> None:
    names = differing(Settings(), OTHER)
    assert names == ("keyname", "userid", "user_data", "encrypted", "cmkid", "byol", "mode")
    # A key pair and its owner are one thing to a person, and so are encryption and its key.
    assert labels_of(names) == (
        "Key pair",
        "First-boot script",
        "System disk encryption",
        "License",
        "If running",
    )


def test_an_owner_or_a_kms_key_that_changes_alone_is_named() -> None:
    assert labels_of(("userid",)) == ("Key owner",) and labels_of(("cmkid",)) == ("KMS key",)


def test_a_login_the_preset_leaves_open_is_no_change() -> None:
    asked = Settings(keyname="mine", userid="51", encrypted=False)
    assert changed_from(Settings(), asked) == ("encrypted",)
    assert changed_from(Settings(keyname="ops", userid="7e"), asked) == ("keyname", "userid", "encrypted")


def test_the_script_is_in_no_repr() -> None:
    assert "bin/sh" not in repr(OTHER)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("base", ("base", None)),
        (reference("base", 14), ("base", 14)),
        ("base@", ("base", 0)),
        ("base@x", ("base", 0)),
        ("base@-1", ("base", 0)),
        ("base@²", ("base", 0)),
        ("base@" + "9" * 40, ("base", 0)),
        ("", ("", None)),
    ],
)
def test_a_reference_is_a_slug_and_perhaps_a_number(text: str, read: tuple[str, int | None]) -> None:
    assert read_reference(text) == read
