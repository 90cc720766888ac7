"""Encoders of Transformers that classify texts or give them a number, from a local folder."""

import io
from importlib.metadata import version
from typing import Any

import onnx
import torch

from setpoint.deploy.importers._base import Signature
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime import Model
from setpoint.runtime.tokens import LENGTH, TOKENIZER
from setpoint.runtime.transformers import Encoder, EncoderModel, read, scored

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]

OPSET = 18
UNNAMED = "LABEL_"  # how Transformers calls classes that nobody named


def signature(native: Encoder) -> Signature:
    """Return the task and the labels of its head; it takes one column of texts."""
    config = native.model.config
    if config.problem_type == "multi_label_classification":
        raise InvalidInput("the model gives a text several labels at once; Setpoint serves one class or one number")
    if config.num_labels == 1:
        return Signature(task=Task.REGRESSION, names=None, width=1)
    labels = tuple(str(config.id2label[i]) for i in range(config.num_labels))
    unnamed = all(label.startswith(UNNAMED) for label in labels)
    return Signature(
        task=Task.BINARY if len(labels) == 2 else Task.MULTICLASS,
        names=None,
        width=1,
        classes=tuple(range(len(labels))) if unnamed else labels,
    )


def served(native: Encoder, schema: Schema, threshold: float) -> Model:
    """Return the encoder as the native runtime serves it."""
    return EncoderModel(native, schema, threshold)


def refit(native: Encoder, columns: Columns, truth: Column, schema: Schema) -> Any:
    """Refuse: how an encoder was trained is not in its folder."""
    raise InvalidInput("an encoder is not trained anew for a proposal")


class Scores(torch.nn.Module):  # type: ignore[misc]  # torch is not followed
    """The encoder as a function of its tokens, in their order."""

    def __init__(self, encoder: Encoder, task: Task) -> None:
        super().__init__()
        self.inner, self.names, self.head = encoder.model, encoder.names, scored(task)

    def forward(self, *tokens: Any) -> Any:
        """Return the scores of shape (n, labels)."""
        return self.head(self.inner(**dict(zip(self.names, tokens, strict=True))).logits)


def to_onnx(native: Encoder, schema: Schema) -> bytes:
    """Export the encoder with any number of texts and tokens, and put its tokenizer into the file."""
    tokens = native.tokenizer(["a text", "another one"], padding=True, return_tensors="pt")
    file, axes = io.BytesIO(), {0: "texts", 1: "tokens"}
    torch.onnx.export(
        Scores(native, schema.task).eval(),
        tuple(tokens[name] for name in native.names),
        file,
        dynamo=False,  # eight times as fast as the other exporter, and parity decides
        input_names=list(native.names),
        output_names=["scores"],
        dynamic_axes=dict.fromkeys(native.names, axes),
        opset_version=OPSET,
    )
    graph = onnx.load_from_string(file.getvalue())
    native.tokenizer.backend_tokenizer.enable_padding(**_padding(native.tokenizer))
    told = {TOKENIZER: native.tokenizer.backend_tokenizer.to_str(), LENGTH: str(native.length)}
    onnx.helper.set_model_props(graph, told)
    raw: bytes = graph.SerializeToString()
    return raw


def _padding(tokenizer: Any) -> dict[str, Any]:
    return {
        "direction": tokenizer.padding_side,
        "pad_id": tokenizer.pad_token_id,
        "pad_type_id": tokenizer.pad_token_type_id,
        "pad_token": tokenizer.pad_token,
    }


def packages() -> dict[str, str]:
    """Return the versions of what loading the folder again depends on."""
    return {
        name: version(name) for name in ("transformers", "torch", "tokenizers", "safetensors", "numpy", "onnxruntime")
    }
