"""Encoders of texts from folders of Transformers: tiny ones, their vocabulary written by hand; and refused ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tests.zoo import Kept, saved

transformers.utils.logging.disable_progress_bar()

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = [
    "free",
    "money",
    "win",
    "now",
    "call",
    "meeting",
    "lunch",
    "tomorrow",
    "see",
    "you",
    "ok",
    "##s",
    "##ing",
    "thanks",
    "prize",
    "the",
    "at",
    "for",
    "a",
    "your",
]
LENGTH = 16


def texts(rows: int = 240) -> list[str]:
    """Return sentences of known and unknown words; some are empty, some longer than the model takes."""
    rng = np.random.default_rng(0)
    words = [w.removeprefix("##") for w in WORDS] + ["Meetings", "calling", "zebra", "WIN!", "10.5"]
    return [" ".join(rng.choice(words, size=n)) for n in rng.integers(0, 24, rows)]


def tokenizer() -> Any:
    known = Tokenizer(models.WordPiece({w: i for i, w in enumerate([*SPECIAL, *WORDS])}, unk_token="[UNK]"))
    known.normalizer = normalizers.BertNormalizer(lowercase=True)
    known.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    known.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=known, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=LENGTH,
    )  # fmt: skip


def bert(kind: str = "BertForSequenceClassification", **config: Any) -> Any:
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    asked = transformers.BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS), max_position_embeddings=LENGTH, **size, **config
    )
    return random(getattr(transformers, kind)(asked))


def random(model: Any) -> Any:
    """Return a model whose answers differ from text to text: its weights are larger than those it is born with."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn_like(weights) * 0.3)
    return model.eval()


def kept(folder: Path, model: Any, **what: Any) -> Kept:
    model.save_pretrained(folder / "net")
    tokenizer().save_pretrained(folder / "net")
    said = texts()
    tokens = tokenizer()(said, padding=True, truncation=True, return_tensors="pt")
    rows = pd.DataFrame({"text": said, "y": what.pop("y", np.arange(len(said)) % 2)})
    answers = np.empty(0)
    if hasattr(model, "num_labels") and not what.get("refused"):
        with torch.no_grad():
            logits = model(**{k: v for k, v in tokens.items() if k != "token_type_ids"}).logits
        answers = (logits[:, 0] if model.num_labels == 1 else logits.softmax(1)).numpy()
    return Kept(**{"artifact": "net", "rows": rows, "task": "binary", "answers": answers, **what})


@saved
def encoder_with_named_classes(folder: Path) -> Kept:
    names = ["spam", "ham", "none"]
    model = bert(id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})
    y = np.array(names)[np.arange(240) % 3]
    return kept(folder, model, artifact="hf:./net", task="multiclass", y=y)


@saved
def encoder_of_a_number(folder: Path) -> Kept:
    return kept(folder, bert(num_labels=1), task="regression", y=np.arange(240) / 10)


@saved
def encoder_without_a_head(folder: Path) -> Kept:
    return kept(folder, bert("BertForMaskedLM"), refused="is a BertForMaskedLM")


@saved
def encoder_of_several_labels_at_once(folder: Path) -> Kept:
    model = bert(problem_type="multi_label_classification")
    return kept(folder, model, refused="several labels at once")


@saved
def encoder_with_pickled_weights(folder: Path) -> Kept:
    """As Transformers saved them before it knew safetensors."""
    refused = kept(folder, bert(), refused="can hold code (weights must be .safetensors)")
    (folder / "net" / "model.safetensors").unlink()
    torch.save(bert().state_dict(), folder / "net" / "pytorch_model.bin")
    return refused


@saved
def encoder_with_code_of_its_own(folder: Path) -> Kept:
    refused = kept(folder, bert(), refused="names code of its own (auto_map)")
    config = folder / "net" / "config.json"
    config.write_text(config.read_text().replace("{", '{"auto_map": {"AutoConfig": "own.Config"},', 1))
    return refused
