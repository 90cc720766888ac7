"""Texts as the numbers an encoder takes, by the tokenizer that its ONNX file holds; no PyTorch and no Transformers."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.errors import Unusable

TOKENIZER, LENGTH = "setpoint.tokenizer", "setpoint.max_length"  # where the ONNX file keeps them
ROWS = 32  # at once: the memory of an encoder grows with rows times the square of their length
PARTS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}


def runner(session: Any, wanted: Sequence[str], told: Mapping[str, str], schema: Schema) -> Callable[[Columns], Column]:
    """Return a function that runs the one column of texts of a schema; a missing text is the empty text.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        It takes tokens by the names in `PARTS`.
    wanted : sequence of str
        The output that is the score.
    told : mapping of str to str
        The metadata of the ONNX file: its tokenizer, and how many tokens a text may have.

    Raises
    ------
    Unusable
        If the tokenizers package is not installed.
    """
    tokenizer, names = _tokenizer(told), [i.name for i in session.get_inputs()]
    text = schema.names[0]

    def run(columns: Columns) -> Column:
        parts = [session.run(wanted, _tokens(tokenizer, rows, names))[0] for rows in chunks(columns[text])]
        return np.concatenate(parts)

    return run


def chunks(texts: Column) -> Iterator[list[str]]:
    """Cut a column of texts into runs of `ROWS`; at least one, which is empty for no rows."""
    for start in range(0, max(len(texts), 1), ROWS):
        yield ["" if text is None else text for text in texts[start : start + ROWS]]


def _tokenizer(told: Mapping[str, str]) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # workers are processes
    try:
        from tokenizers import Tokenizer
    except ImportError as e:
        raise Unusable("a model of texts needs tokenizers, which is not installed: pip install tokenizers") from e
    tokenizer = Tokenizer.from_str(told[TOKENIZER])
    tokenizer.enable_truncation(int(told[LENGTH]))
    return tokenizer


def _tokens(tokenizer: Any, texts: list[str], names: Sequence[str]) -> dict[str, Any]:
    encoded = tokenizer.encode_batch(texts)
    if not encoded:
        return {name: np.zeros((0, 1), np.int64) for name in names}
    return {name: np.array([getattr(e, PARTS[name]) for e in encoded], np.int64) for name in names}
