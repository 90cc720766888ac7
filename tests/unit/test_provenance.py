import hashlib

from setpoint.deploy.provenance import made_with, packages, sha256_of, train_digest


def test_the_code_that_trains_is_digested(tmp_path):
    (tmp_path / "train.py").write_text("def fit(): ...")
    expected = hashlib.sha256(b"def fit(): ...").hexdigest()
    assert train_digest("train.py:fit", str(tmp_path)) == expected
    assert train_digest("", str(tmp_path)) == ""
    assert train_digest("gone.py:fit", str(tmp_path)) == ""


def test_a_folder_s_digest_is_that_of_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("1")
    one = sha256_of(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert sha256_of(tmp_path) != one


def test_this_program_and_what_every_version_needs_are_named():
    assert len(made_with()["setpoint_sha256"]) == 64
    found = packages({"numpy": "of the job", "keras": "3"})
    assert found.keys() == {"numpy", "onnx", "onnxruntime", "keras"}
    assert found["numpy"] == "of the job"
