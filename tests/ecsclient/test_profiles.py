import dataclasses

import pytest

from ecsclient.profiles import PROFILES, UnknownProfile, get_profile


def test_the_clouds_are_known() -> None:
    five = ["otc", "otc-swiss", "huawei", "flexible-engine", "cloud-ru"]
    assert list(PROFILES) == [*five, "huawei-tr-central"]
    assert all(key == profile.key for key, profile in PROFILES.items())


def test_an_unknown_key_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        UnknownProfile, match="'simulator'.*otc, otc-swiss, huawei, flexible-engine, cloud-ru"
    ):
        get_profile("simulator")


@pytest.mark.parametrize(
    ("key", "region", "expected"),
    [
        ("otc", "eu-de", "https://ecs.eu-de.otc.t-systems.com"),
        ("otc-swiss", "eu-ch2", "https://ecs.eu-ch2.sc.otc.t-systems.com"),
        ("huawei", "eu-west-101", "https://ecs.eu-west-101.myhuaweicloud.com"),
        ("flexible-engine", "eu-west-0", "https://ecs.eu-west-0.prod-cloud-ocb.orange-business.com"),
        ("cloud-ru", "ru-moscow-1", "https://ecs.ru-moscow-1.hc.sbercloud.ru"),
    ],
)
def test_the_published_hosts(key: str, region: str, expected: str) -> None:
    profile = get_profile(key)
    assert profile.endpoint("ecs", region) == expected
    assert region in profile.regions


@pytest.mark.parametrize(
    "region", ["", "eu-de.evil.example", "eu-de/x", "@evil", "EU-DE", "eu-de\n", "-", "eu"]
)
def test_a_region_cannot_smuggle_another_host(region: str) -> None:
    assert get_profile("otc").endpoint("ecs", region) is None


def test_no_host_is_guessed_where_none_is_documented() -> None:
    assert {get_profile("huawei-tr-central").endpoint(name, "tr-central-201") for name in ("iam", "ecs")} == {
        None
    }


def test_a_service_the_cloud_lacks_has_no_endpoint() -> None:
    assert get_profile("otc").endpoint("kps", "eu-de") is None
    assert get_profile("huawei").endpoint("kps", "cn-north-4") == "https://kps.cn-north-4.myhuaweicloud.com"


def test_what_the_documents_say_about_login_data() -> None:
    modes = {key: set(profile.login_modes) for key, profile in PROFILES.items()}
    assert modes == {
        "otc": {"keypair"},
        "otc-swiss": {"keypair"},
        "huawei": {"keypair", "password", "user_data"},
        "flexible-engine": {"keypair", "password"},
        "cloud-ru": {"keypair", "password"},
        "huawei-tr-central": {"keypair"},
    }


def test_what_the_documents_say_about_state_and_versions() -> None:
    facts = {k: (p.requires_stopped, p.allows_mode, p.has_v1, p.has_v2) for k, p in PROFILES.items()}
    assert facts == {
        "otc": (True, True, False, True),
        "otc-swiss": (False, True, True, True),
        "huawei": (False, True, True, True),
        "flexible-engine": (True, False, False, True),
        "cloud-ru": (True, False, True, True),
        "huawei-tr-central": (False, True, False, True),
    }
    assert [k for k, p in PROFILES.items() if not p.userid_required_with_key] == ["cloud-ru"]


def test_each_missing_field_has_a_reason() -> None:
    for profile in PROFILES.values():
        missing = {
            "adminpass": "password" not in profile.login_modes,
            "mode": not profile.allows_mode,
            "BYOL": not profile.allows_byol,
            "encryption": not profile.allows_encryption,
            "v1": not profile.has_v1,
        }
        for field in (name for name, absent in missing.items() if absent):
            assert profile.notes[field].endswith("."), (profile.key, field)


def test_a_profile_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_profile("otc").requires_stopped = False  # type: ignore[misc]
    with pytest.raises(TypeError):
        PROFILES["otc"] = get_profile("huawei")  # type: ignore[index]
