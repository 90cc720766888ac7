"""What a bundle store does: whole, immutable, checked."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import Conflict, Corrupt, InvalidInput, NotFound, Unusable
from setpoint.ports import BundleStore
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.signing import Signing

SCHEMA = Schema(
    features=(Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="cnt", task=Task.REGRESSION
)
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["unsigned", "signed"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> BundleStore:
    if request.param == "signed":
        Signing(tmp_path).make_key()
    return FolderBundleStore(tmp_path / "bundles")


def a_version(name: str = "v1", created: datetime = CREATED) -> ModelVersion:
    lineage = Lineage(created=created, reason="test", artifact_sha256="a", reference_sha256="b")
    return ModelVersion(
        model="demand",
        version=name,
        framework="sklearn",
        runtime="native",
        artifact="model.joblib",
        schema=SCHEMA,
        lineage=lineage,
        files={},
    )


def staged(tmp_path: Path) -> Path:
    folder = tmp_path / "staged"
    (folder / "assets").mkdir(parents=True)
    (folder / "model.joblib").write_bytes(b"model" * 1000)
    (folder / "assets" / "vocabulary.txt").write_text("clear\nrain\n")
    return folder


@pytest.fixture
def added(store: BundleStore, tmp_path: Path) -> Path:
    store.add(staged(tmp_path), a_version())
    return tmp_path / "bundles" / "demand" / "v1"


def test_a_bundle_is_found_again_with_its_digests(store: BundleStore, tmp_path: Path) -> None:
    version = store.add(staged(tmp_path), a_version())
    assert set(version.files) == {"model.joblib", "assets/vocabulary.txt"}
    assert store.get("demand", "v1") == version
    folder = store.folder("demand", "v1")
    assert (folder / "model.joblib").read_bytes() == b"model" * 1000
    assert not (tmp_path / "staged").exists()


def test_files_are_read_only(added: Path) -> None:
    assert {p.stat().st_mode & 0o777 for p in added.rglob("*") if p.is_file()} == {0o444}


def test_a_version_never_changes(store: BundleStore, added: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="already has a version 'v1'"):
        store.add(staged(tmp_path), a_version())


def test_names_count_on(store: BundleStore, tmp_path: Path) -> None:
    assert store.next_name("demand") == "v1"
    store.add(staged(tmp_path), a_version("v9"))
    store.add(staged(tmp_path), a_version("v10"))
    assert store.next_name("demand") == "v11"


def test_versions_are_listed_oldest_first(store: BundleStore, tmp_path: Path) -> None:
    assert store.versions("demand") == []
    for name in ("v10", "v9"):
        store.add(staged(tmp_path), a_version(name))
    store.add(staged(tmp_path), a_version("v1", replace_year(CREATED, 2027)))
    assert [v.version for v in store.versions("demand")] == ["v9", "v10", "v1"]


def replace_year(when: datetime, year: int) -> datetime:
    return when.replace(year=year)


def test_an_unknown_version_is_named_with_those_there_are(store: BundleStore, added: Path) -> None:
    with pytest.raises(NotFound, match="has no version 'v2'; it has: v1"):
        store.get("demand", "v2")


@pytest.mark.parametrize("file", ["model.joblib", "assets/vocabulary.txt"])
def test_a_flipped_byte_is_found(store: BundleStore, added: Path, file: str) -> None:
    flip(added / file)
    with pytest.raises(Corrupt, match=f"{file} differs from its digest"):
        store.folder("demand", "v1")


@pytest.mark.parametrize("file", ["bundle.json", "bundle.seal"])
def test_a_byte_flipped_anywhere_in_manifest_or_seal_is_found(store: BundleStore, added: Path, file: str) -> None:
    whole = (added / file).read_bytes()
    (added / file).chmod(0o644)
    for place in range(0, len(whole), 7):
        (added / file).write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(Corrupt, match=r"bundle\.(json|seal)"):
            store.folder("demand", "v1")
    (added / file).write_bytes(whole)
    store.folder("demand", "v1")


def test_a_byte_flipped_behind_the_times_of_a_file_is_found(store: BundleStore, added: Path) -> None:
    file = added / "model.joblib"
    store.folder("demand", "v1")
    before = file.stat()
    flip(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(Corrupt, match=r"model\.joblib"):
        store.folder("demand", "v1")


def test_a_seal_that_is_gone_is_missed(store: BundleStore, added: Path) -> None:
    (added / "bundle.seal").unlink()
    with pytest.raises(Corrupt, match=r"bundle\.seal is missing"):
        store.folder("demand", "v1")


def test_a_bundle_of_the_first_format_is_read_without_a_seal(store: BundleStore, added: Path) -> None:
    (added / "bundle.seal").unlink()
    manifest = added / "bundle.json"
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text().replace('"format": 3', '"format": 1'))
    assert store.folder("demand", "v1") == added
    assert store.seal("demand", "v1") is None


def test_a_bundle_of_a_later_release_is_refused(store: BundleStore, added: Path) -> None:
    (added / "bundle.seal").unlink()
    manifest = added / "bundle.json"
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text().replace('"format": 3', '"format": 9'))
    with pytest.raises(Unusable, match="format 9"):
        store.folder("demand", "v1")


def test_a_bundle_under_another_name_is_refused(store: BundleStore, added: Path) -> None:
    shutil.copytree(added, added.parent / "v2")
    with pytest.raises(Corrupt, match="holds demand v1, which belongs elsewhere"):
        store.folder("demand", "v2")


def test_a_removed_version_leaves_its_manifest_and_a_receipt(store: BundleStore, added: Path) -> None:
    manifest = store.get("demand", "v1")
    removal = store.remove("demand", "v1", by="ann", now=CREATED)
    assert (removal.version, removal.by, removal.at) == ("v1", "ann", CREATED)
    assert removal.bytes > 5_000
    assert store.removals("demand") == [removal]
    assert store.get("demand", "v1") == manifest  # records are read by it
    assert (store.names("demand"), store.versions("demand"), added.exists()) == ([], [], False)
    with pytest.raises(NotFound, match="were removed"):
        store.folder("demand", "v1")
    with pytest.raises(NotFound, match="were removed already"):
        store.remove("demand", "v1", by="ann", now=CREATED)


def test_the_name_of_a_removed_version_does_not_come_again(store: BundleStore, added: Path, tmp_path: Path) -> None:
    store.remove("demand", "v1", by="ann", now=CREATED)
    assert store.next_name("demand") == "v2"
    with pytest.raises(Conflict, match="already has a version 'v1'"):
        store.add(staged(tmp_path), a_version())


def test_nothing_is_removed_twice_or_that_was_never_there(store: BundleStore) -> None:
    with pytest.raises(NotFound, match="has no version 'v7'"):
        store.remove("demand", "v7", by="ann", now=CREATED)


def test_a_removal_stopped_before_the_end_is_finished_by_the_next_look(
    store: BundleStore, added: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.remove("demand", "v1", by="ann", now=CREATED)
    assert store.names("demand") == []
    assert [r.version for r in store.removals("demand")] == ["v1"]
    assert [p.name for p in added.parent.iterdir()] == [".removed"]


def test_a_removal_stopped_before_the_rename_has_removed_nothing(
    store: BundleStore, added: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.remove("demand", "v1", by="ann", now=CREATED)
    assert store.folder("demand", "v1") == added
    assert store.removals("demand") == []
    assert store.remove("demand", "v1", by="bob", now=CREATED).by == "bob"


def test_a_version_can_be_signed_later(store: BundleStore, added: Path, tmp_path: Path) -> None:
    (tmp_path / "signing.key").unlink(missing_ok=True)
    with pytest.raises(Unusable, match="setpoint versions keygen"):
        store.sign("demand", "v1")
    signer = Signing(tmp_path).make_key()
    assert store.sign("demand", "v1").signer == signer
    assert store.seal("demand", "v1").signer == signer  # type: ignore[union-attr]
    assert store.folder("demand", "v1") == added


def test_what_is_damaged_is_not_signed(store: BundleStore, added: Path, tmp_path: Path) -> None:
    (tmp_path / "signing.key").unlink(missing_ok=True)
    Signing(tmp_path).make_key()
    flip(added / "model.joblib")
    with pytest.raises(Corrupt, match=r"model\.joblib"):
        store.sign("demand", "v1")


def test_a_byte_flipped_after_the_first_check_is_found(store: BundleStore, added: Path) -> None:
    store.folder("demand", "v1")
    flip(added / "model.joblib")
    with pytest.raises(Corrupt, match=r"model\.joblib"):
        store.folder("demand", "v1")


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[3] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)


def test_a_file_too_many_is_refused(store: BundleStore, added: Path) -> None:
    (added / "assets" / "extra.py").write_text("import os")
    with pytest.raises(Corrupt, match=r"assets/extra\.py does not belong"):
        store.folder("demand", "v1")


def test_a_missing_file_is_refused(store: BundleStore, added: Path) -> None:
    (added / "model.joblib").unlink()
    with pytest.raises(Corrupt, match=r"model\.joblib is missing"):
        store.folder("demand", "v1")


def test_a_damaged_manifest_is_refused(store: BundleStore, added: Path) -> None:
    manifest = added / "bundle.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes()[:-20])
    with pytest.raises(Corrupt, match=r"bundle\.json"):
        store.folder("demand", "v1")


def test_a_link_out_of_the_bundle_is_refused(store: BundleStore, added: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"model" * 1000)
    (added / "model.joblib").unlink()
    (added / "model.joblib").symlink_to(tmp_path / "outside")
    with pytest.raises(Corrupt, match=r"model\.joblib is a link out of the bundle"):
        store.folder("demand", "v1")


def test_a_staged_link_is_refused(store: BundleStore, tmp_path: Path) -> None:
    folder = staged(tmp_path)
    (folder / "more").symlink_to("/etc/hostname")
    with pytest.raises(InvalidInput, match="more is a link out of the bundle"):
        store.add(folder, a_version())
    assert store.versions("demand") == []


def test_a_half_written_version_is_not_seen(store: BundleStore, added: Path) -> None:
    (added.parent / ".v2-0a0b").mkdir()
    (added.parent / ".v2-0a0b" / "bundle.json").write_text("{")
    (added.parent / "v3").mkdir()
    assert [v.version for v in store.versions("demand")] == ["v1"]
    assert store.next_name("demand") == "v4"


def test_the_manifest_in_the_staging_folder_does_not_count(store: BundleStore, tmp_path: Path) -> None:
    folder = staged(tmp_path)
    (folder / "bundle.json").write_text("old")
    version = store.add(folder, replace(a_version(), files={"made-up": "0"}))
    assert set(version.files) == {"model.joblib", "assets/vocabulary.txt"}
    assert store.folder("demand", "v1").is_dir()


def test_workers_import_no_heavy_library() -> None:
    heavy = "{'pandas', 'sklearn', 'pyarrow', 'deltalake', 'pydantic', 'sqlalchemy', 'onnxruntime', 'cryptography'}"
    code = f"import sys, setpoint.store.bundles, setpoint.store.spool; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
