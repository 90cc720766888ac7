"""Texts on their way into an encoder: cut into runs and tokens, by the tokenizer that the ONNX file holds."""

from types import SimpleNamespace

import numpy as np
import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.runtime.tokens import LENGTH, ROWS, TOKENIZER, chunks, runner

tokenizers = pytest.importorskip("tokenizers")
SCHEMA = Schema(
    features=(Feature(name="text", kind=Kind.CATEGORICAL, dtype=DType.STRING),), target="y", task=Task.REGRESSION
)


class Counting:
    """Stands for a session: its score is how many tokens of a row are no padding."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def get_inputs(self):
        return [SimpleNamespace(name="input_ids"), SimpleNamespace(name="attention_mask")]

    def run(self, wanted, tokens):
        self.rows.append(len(tokens["input_ids"]))
        assert tokens["input_ids"].dtype == tokens["attention_mask"].dtype == np.int64
        return [tokens["attention_mask"].sum(axis=1, keepdims=True).astype(np.float32)]


def told(length: int = 4) -> dict[str, str]:
    words = tokenizers.models.WordLevel({"[PAD]": 0, "[UNK]": 1, "a": 2, "b": 3}, unk_token="[UNK]")
    whole = tokenizers.Tokenizer(words)
    whole.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    whole.enable_padding(pad_id=0, pad_token="[PAD]")
    return {TOKENIZER: whole.to_str(), LENGTH: str(length)}


def test_texts_are_cut_to_the_length_and_a_missing_one_is_empty() -> None:
    run = runner(Counting(), ["scores"], told(), SCHEMA)
    texts = np.array(["a b", None, "a b a b a b", "unknown"], dtype=object)
    assert run({"text": texts}).ravel().tolist() == [2, 0, 4, 1]


@pytest.mark.parametrize("rows", [0, 1, ROWS, ROWS + 1])
def test_long_columns_are_run_in_parts(rows: int) -> None:
    session = Counting()
    answer = runner(session, ["scores"], told(), SCHEMA)({"text": np.array(["a b"] * rows, dtype=object)})
    assert answer.shape == (rows, 1)
    assert max(session.rows) <= ROWS
    assert sum(session.rows) == rows


def test_runs_keep_the_order() -> None:
    texts = np.array([f"{i}" for i in range(2 * ROWS + 3)], dtype=object)
    assert [t for run in chunks(texts) for t in run] == texts.tolist()
