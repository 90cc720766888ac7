"""What is read from a folder of Transformers, and that its ONNX form needs nothing of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the exporter and the tracer

from setpoint.deploy.importers import transformers as importer  # noqa: E402
from setpoint.runtime.onnx import OnnxModel, interface  # noqa: E402
from tests.zoo import encoders  # noqa: E402

TEXT = Feature(name="said", kind=Kind.CATEGORICAL, dtype=DType.STRING)
SCHEMA = Schema(features=(TEXT,), target="y", task=Task.BINARY, classes=(0, 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    encoders.kept(folder, encoders.bert())
    return folder / "net"


def test_classes_that_nobody_named_are_numbers(folder: Path) -> None:
    said = importer.signature(importer.read(folder))
    assert (said.task, said.classes, said.width) == (Task.BINARY, (0, 1), 1)


def test_the_model_bounds_the_length_where_the_tokenizer_does_not(tmp_path: Path) -> None:
    encoders.kept(tmp_path, encoders.bert())
    file = tmp_path / "net" / "tokenizer_config.json"
    file.write_text(file.read_text().replace('"model_max_length": 16', '"model_max_length": 1000000000000'))
    assert importer.read(tmp_path / "net").length == encoders.LENGTH


def test_the_converted_model_answers_alone_what_the_encoder_answers(folder: Path, tmp_path: Path) -> None:
    native = importer.read(folder)
    texts = np.array(["free money", None, "win " * 40, "zebra", *encoders.texts(60)], dtype=object)
    own = importer.served(native, SCHEMA, 0.5).predict({"said": texts})["probability"]
    raw = importer.to_onnx(native, SCHEMA)
    converted = OnnxModel(raw, SCHEMA).predict({"said": texts})["probability"]
    np.testing.assert_allclose(converted, own, atol=1e-6)
    assert np.ptp(own) > 0.05  # the answers differ from text to text
    with pytest.raises(InvalidInput, match="onnxruntime alone makes none of a text"):
        interface(raw, SCHEMA)
    (tmp_path / "m.onnx").write_bytes(raw)
    code = (
        "import sys, numpy as np; from setpoint.runtime.onnx import OnnxModel; from setpoint.domain.schema import *\n"
        "s = Schema(features=(Feature(name='t', kind=Kind.CATEGORICAL, dtype=DType.STRING),), target='y', "
        "task=Task.BINARY, classes=(0, 1))\n"
        f"model = OnnxModel(open({str(tmp_path / 'm.onnx')!r}, 'rb').read(), s)\n"
        "model.predict({'t': np.array(['a'], dtype=object)})\n"
        "print(sorted({'torch', 'transformers', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_numbers_are_no_texts(folder: Path) -> None:
    numbers = Schema(
        features=(Feature(name="age", kind=Kind.NUMERIC, dtype=DType.FLOAT),),
        target="y",
        task=Task.BINARY,
        classes=(0, 1),
    )
    with pytest.raises(InvalidInput, match="takes one column of texts, and 'age' holds float64"):
        importer.served(importer.read(folder), numbers, 0.5)
