"""Run an encoder of Transformers that answers for a text, as it is: nothing is fetched, and no code of its own run."""

import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema, Task
from setpoint.errors import InvalidInput, Unusable
from setpoint.runtime import Model
from setpoint.runtime.columns import Head
from setpoint.runtime.tokens import PARTS, chunks

os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})

try:
    import torch
    import transformers
except ImportError as e:
    raise Unusable(
        f"a Transformers model needs {e.name}, which is not installed: pip install 'setpoint[transformers]'"
    ) from e

KIND = "ForSequenceClassification"
SHIFTED = ("roberta", "camembert")  # their positions begin after the one of padding


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A model, its tokenizer, the tokens it takes by name, and how many of a text it sees."""

    model: Any
    tokenizer: Any
    names: tuple[str, ...]
    length: int


def read(path: Path, trusted: Sequence[str] | None = None) -> Encoder:
    """Load a folder that was scanned before: config.json, weights as safetensors, tokenizer.json.

    Raises
    ------
    InvalidInput
        If it is no classifier or regression of texts, or has no fast tokenizer.
    """
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(path, **here)
    kinds = tuple(config.architectures or ())
    if not any(kind.endswith(KIND) for kind in kinds):
        raise InvalidInput(
            f"{path.name} is a {', '.join(kinds) or config.model_type}; Setpoint serves encoders with a head for whole "
            f"texts (…{KIND}), as AutoModel{KIND} trains them"
        )
    if not (path / "tokenizer.json").is_file():
        raise InvalidInput(f"{path.name} has no tokenizer.json; save it with tokenizer.save_pretrained(folder)")
    tokenizer = transformers.AutoTokenizer.from_pretrained(path, use_fast=True, **here)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        path, use_safetensors=True, attn_implementation="eager", dtype=torch.float32, **here
    ).eval()
    taken = inspect.signature(model.forward).parameters
    names = tuple(n for n in tokenizer.model_input_names if n in PARTS and n in taken)
    return Encoder(model=model, tokenizer=tokenizer, names=names, length=_length(tokenizer, config))


def _length(tokenizer: Any, config: Any) -> int:
    """Return how many tokens fit: what the tokenizer says, bounded by the positions the model has."""
    positions = getattr(config, "max_position_embeddings", None) or 512
    if any(kind in config.model_type for kind in SHIFTED):
        positions -= (config.pad_token_id or 0) + 1
    return int(min(tokenizer.model_max_length, positions))


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    torch.set_num_threads(1)  # workers are processes
    return EncoderModel(read(path), schema, threshold)


class EncoderModel:
    """An encoder asked with one column of texts."""

    def __init__(self, encoder: Encoder, schema: Schema, threshold: float = 0.5) -> None:
        first, *others = schema.features
        if others or first.dtype is not DType.STRING:
            raise InvalidInput(f"the model takes one column of texts, and {first.name!r} holds {first.dtype}")
        self._encoder, self._text, self._outputs = encoder, first.name, Head(schema, threshold)
        self._head = scored(schema.task)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        with torch.inference_mode():
            parts = [self._answer(texts) for texts in chunks(columns[self._text])]
        return self._outputs(np.concatenate(parts))

    def _answer(self, texts: list[str]) -> Column:
        asked = self._encoder
        if not texts:
            return np.zeros((0, asked.model.config.num_labels))
        tokens = asked.tokenizer(
            texts, padding=True, truncation=True, max_length=asked.length, return_tensors="pt", verbose=False
        )
        answer = self._head(asked.model(**{name: tokens[name] for name in asked.names}).logits)
        numbers: Column = answer.to(torch.float64).numpy()
        return numbers


def scored(task: Task) -> Any:
    """Return what makes scores of logits: probabilities of classes, or the number itself."""
    return (lambda logits: logits) if task is Task.REGRESSION else (lambda logits: torch.softmax(logits, dim=-1))
