"""What a bundle store does: whole, immutable, checked."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import Conflict, Corrupt, InvalidInput, NotFound
from setpoint.ports import BundleStore
from setpoint.store.bundles import FolderBundleStore

SCHEMA = Schema(
    features=(Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="cnt", task=Task.REGRESSION
)
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
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
    heavy = "{'pandas', 'sklearn', 'pyarrow', 'deltalake', 'pydantic', 'sqlalchemy', 'alembic', 'onnxruntime'}"
    code = f"import sys, setpoint.store.bundles, setpoint.store.spool; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
