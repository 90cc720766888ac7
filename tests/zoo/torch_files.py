"""PyTorch networks in every form that is served, and what is wrong with others."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from tests.zoo import Kept, saved
from tests.zoo.onnx_files import cancer, diabetes

FACTORY = """
from torch import nn

def build():
    return nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
"""
DYNAMIC = torch.export.Dim.DYNAMIC


def trained(net: nn.Module, inputs: Any, y: Any, loss: Any, steps: int = 30) -> nn.Module:
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(net(inputs), y).backward()
        optimizer.step()
    return net.eval()


def classifier(*end: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1), *end)


def of_cancer(*end: nn.Module, loss: Any = nn.functional.binary_cross_entropy) -> tuple[nn.Module, Any]:
    frame, X = cancer()
    y = torch.tensor(frame["y"].to_numpy(np.float32)).reshape(-1, 1)
    return trained(classifier(*end), torch.tensor(X), y, loss), torch.tensor(X)


def answers(net: nn.Module, *inputs: Any) -> Any:
    with torch.no_grad():
        return net(*inputs).numpy().reshape(len(inputs[0]))


def export(net: nn.Module, inputs: tuple[Any, ...], file: Path, *, rows: Any = DYNAMIC) -> None:
    shapes = None if rows is None else tuple({0: rows} for _ in inputs)
    torch.export.save(torch.export.export(net, tuple(i[:2] for i in inputs), dynamic_shapes=shapes), file)


def scripted(net: nn.Module, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and still around
        torch.jit.script(net).save(file)


@saved
def torch_program(folder: Path) -> Kept:
    net, X = of_cancer(nn.Sigmoid())
    export(net, (X,), folder / "net.pt2")
    return Kept(artifact="net.pt2", rows=cancer()[0], task="binary", answers=answers(net, X))


@saved
def torch_program_for_images(folder: Path) -> Kept:
    """Its input is (1, 8, 8): a column of lists in the reference."""
    torch.manual_seed(0)
    digits = load_digits(as_frame=True).frame.iloc[:300]
    pixels = digits.drop(columns="target").to_numpy(np.float32) / 16
    X = torch.from_numpy(pixels.reshape(-1, 1, 8, 8))
    y = torch.tensor(digits["target"].to_numpy() > 4, dtype=torch.float32).reshape(-1, 1)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 1), nn.Sigmoid())
    trained(net, X, y, nn.functional.binary_cross_entropy, steps=20)
    export(net, (X,), folder / "net.pt2")
    rows = digits[[]].assign(input=list(pixels), y=y[:, 0].numpy().astype(int))
    return Kept(artifact="net.pt2", rows=rows, task="binary", answers=answers(net, X))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.levels, self.line = nn.Embedding(4, 3), nn.Linear(12, 1)

    def forward(self, level: Any, numbers: Any) -> Any:
        return self.line(torch.cat([self.levels(level), numbers], 1))[:, 0]


@saved
def torch_program_with_two_inputs(folder: Path) -> Kept:
    frame, _ = diabetes()
    numbers = [c for c in frame.columns if c not in ("sex", "y")]
    rows = frame.assign(level=frame["sex"].astype(int), **{f"numbers_{i}": frame[c] for i, c in enumerate(numbers)})
    rows = rows[["level", *(f"numbers_{i}" for i in range(len(numbers))), "y"]]
    level, matrix = torch.tensor(rows["level"].to_numpy()), torch.tensor(frame[numbers].to_numpy(np.float32))
    torch.manual_seed(0)
    net = TwoInputs().eval()
    export(net, (level, matrix), folder / "net.pt2")
    return Kept(artifact="net.pt2", rows=rows, task="regression", answers=answers(net, level, matrix))


@saved
def torch_script(folder: Path) -> Kept:
    frame, X = diabetes()
    y = torch.tensor(frame["y"].to_numpy(np.float32)).reshape(-1, 1)
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm1d(10), nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 1))
    trained(net, torch.tensor(X), y, nn.functional.mse_loss)
    scripted(net, folder / "net.pt")
    return Kept(artifact="net.pt", rows=frame, task="regression", answers=answers(net, torch.tensor(X)))


class Gamma(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.lgamma(1 + x.abs()).sum(1)


@saved
def torch_script_without_a_form_in_onnx(folder: Path) -> Kept:
    frame, X = diabetes()
    scripted(Gamma(), folder / "net.ts")
    own = answers(Gamma(), torch.tensor(X))
    return Kept(artifact="net.ts", rows=frame, task="regression", answers=own, runtime="native")


@saved
def torch_state_with_a_factory(folder: Path) -> Kept:
    net, X = of_cancer(nn.Sigmoid())
    torch.save(net.state_dict(), folder / "net.pt")
    (folder / "net.py").write_text(FACTORY)
    keys = {"factory": "net.py:build"}
    return Kept(artifact="net.pt", rows=cancer()[0], task="binary", answers=answers(net, X), keys=keys)


@saved
def torch_state_alone(folder: Path) -> Kept:
    torch.save(classifier().state_dict(), folder / "net.pt")
    return Kept(artifact="net.pt", rows=cancer()[0], task="binary", refused="`factory: net.py:build`")


@saved
def torch_state_of_another_network(folder: Path) -> Kept:
    torch.save(nn.Linear(5, 1).state_dict(), folder / "net.pt")
    (folder / "net.py").write_text(FACTORY)
    keys = {"factory": "net.py:build"}
    return Kept(artifact="net.pt", rows=cancer()[0], task="binary", refused="does not fit what net.py:build", keys=keys)


@saved
def torch_whole_module(folder: Path) -> Kept:
    torch.save(classifier(nn.Sigmoid()), folder / "net.pt")
    return Kept(artifact="net.pt", rows=cancer()[0], task="binary", refused="a whole pickled module")


@saved
def torch_logits(folder: Path) -> Kept:
    net, X = of_cancer(loss=nn.functional.binary_cross_entropy_with_logits)
    export(net, (X,), folder / "net.pt2")
    return Kept(artifact="net.pt2", rows=cancer()[0], task="binary", refused="(its last step: linear) answers")


@saved
def torch_program_for_two_rows(folder: Path) -> Kept:
    net, X = of_cancer(nn.Sigmoid())
    export(net, (X,), folder / "net.pt2", rows=None)
    return Kept(artifact="net.pt2", rows=cancer()[0], task="binary", refused="was exported for exactly 2 rows")
