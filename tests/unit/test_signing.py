"""Who signed a bundle, and whether that is enough."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import replace, to_json
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import Conflict, Corrupt, InvalidInput, Unsafe, Unusable
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.signing import Asked, Signing, checked


def a_bundle(home: Path) -> None:
    """Add a version to the bundles of a home."""
    lineage = Lineage(created=datetime(2026, 1, 1, tzinfo=UTC), reason="", artifact_sha256="", reference_sha256="")
    version = ModelVersion(
        model="demand", version="v1", framework="sklearn", runtime="native", artifact="m",
        schema=Schema(features=(), target="y", task=Task.REGRESSION), lineage=lineage, files={},
    )  # fmt: skip
    (home / "staged").mkdir(parents=True)
    (home / "staged" / "m").write_bytes(b"model")
    FolderBundleStore(home / "bundles").add(home / "staged", version)


def opened(home: Path, asked: Asked, trusted: Path | None = None) -> Path:
    """Load the version as a process with these settings would."""
    return FolderBundleStore(home / "bundles", Signing(home, asked, trusted)).folder("demand", "v1")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def signed(home: Path) -> Path:
    Signing(home).make_key()
    a_bundle(home)
    return home


def test_the_key_is_for_its_owner_alone_and_made_once(home: Path) -> None:
    Signing(home).make_key()
    assert (home / "signing.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="exists already"):
        Signing(home).make_key()


def test_unsigned_is_loaded_unless_a_signature_is_asked_for(home: Path) -> None:
    a_bundle(home)
    assert opened(home, "off")
    for asked in ("signed", "trusted"):
        with pytest.raises(Unsafe, match=f"demand v1 is not signed, and SETPOINT_SIGNATURES={asked}"):
            opened(home, asked)


def test_the_own_key_is_trusted_where_no_others_are_named(signed: Path) -> None:
    assert opened(signed, "signed")
    assert opened(signed, "trusted")


def test_a_stranger_s_signature_is_one_and_is_not_trusted(signed: Path, tmp_path: Path) -> None:
    stranger, keys = tmp_path / "stranger", tmp_path / "keys"
    stranger.mkdir()
    keys.mkdir()
    Signing(stranger).make_key()
    (keys / "stranger.pub").write_bytes((stranger / "signing.pub").read_bytes())
    assert opened(signed, "signed", keys)
    with pytest.raises(Unsafe, match=rf"demand v1 is signed by \w{{16}}, which is not among the keys trusted, {keys}"):
        opened(signed, "trusted", keys)
    (keys / "mine.pub").write_bytes((signed / "signing.pub").read_bytes())  # counts from the next load on
    assert opened(signed, "trusted", keys)
    assert opened(signed, "trusted", keys / "mine.pub")


def test_a_manifest_that_was_changed_and_sealed_again_does_not_fit_its_signature(signed: Path) -> None:
    folder, store = signed / "bundles" / "demand" / "v1", FolderBundleStore(signed / "bundles")
    changed = to_json(replace(store.get("demand", "v1"), threshold=0.9), pretty=True)
    seal = store.seal("demand", "v1")
    fresh = Signing(signed.parent).seal(changed)
    assert seal
    for file, raw in {
        "bundle.json": changed,
        "bundle.seal": to_json(checked(replace(seal, manifest=fresh.manifest)), pretty=True),
    }.items():
        (folder / file).chmod(0o644)
        (folder / file).write_bytes(raw)
    assert opened(signed, "off")  # which promises no more than that bytes are those stored
    with pytest.raises(Corrupt, match="does not fit its manifest"):
        opened(signed, "signed")


def test_a_version_that_nobody_could_load_is_not_made(home: Path) -> None:
    with pytest.raises(Unusable, match=r"SETPOINT_SIGNATURES=signed asks .* `setpoint versions keygen`"):
        FolderBundleStore(home / "bundles", Signing(home, "signed")).expect()
    FolderBundleStore(home / "bundles", Signing(home)).expect()


def test_a_key_that_others_can_read_or_that_is_none_is_refused(signed: Path) -> None:
    key = signed / "signing.key"
    key.chmod(0o644)
    with pytest.raises(Unusable, match="can be read by others"):
        Signing(signed).seal(b"manifest")
    with pytest.raises(Unusable, match="can be read by others"):  # before the long work
        FolderBundleStore(signed / "bundles").expect()
    key.chmod(0o600)
    key.write_text("no key")
    with pytest.raises(InvalidInput, match="is no Ed25519 key"):
        Signing(signed).seal(b"manifest")


def test_trusted_keys_that_are_not_there_or_damaged_are_named(signed: Path, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="SETPOINT_TRUSTED_KEYS"):
        opened(signed, "trusted", tmp_path / "nowhere")
    (tmp_path / "bad.pub").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(InvalidInput, match="damaged public key"):
        opened(signed, "trusted", tmp_path / "bad.pub")
