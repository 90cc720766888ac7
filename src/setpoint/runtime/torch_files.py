"""The three kinds of PyTorch files as functions: their inputs, as far as they are told, and their last step."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from setpoint.domain.artifact import Artifact
from setpoint.domain.schema import Tensor
from setpoint.errors import InvalidInput, JobFailed
from setpoint.runtime.own import blame, function_of

INNER = ("state_dict", "model_state_dict")  # where training scripts keep what the network learnt, beside their own
TOLD = 2  # the least that a program says where nothing was said; it takes one row, too
MOST_ROWS = 1_024  # what is measured and served at once
EXPORT = (
    "torch.export.save(torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)), "
    "'model.pt2') with an example of two rows"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A network that can be called: the first `positional` inputs by place, those that follow by keyword.

    `inputs` is empty where the file does not tell them: one float32 matrix then. `program` is what was exported,
    `script` TorchScript, `module` the factory's.
    """

    call: Callable[..., Any]
    inputs: tuple[Tensor, ...] = ()
    positional: int = 1
    keywords: tuple[str, ...] = ()
    end: str = ""
    program: Any = None
    script: Any = None
    module: Any = None


def load(where: Artifact) -> Net:
    """Load a file by its kind; InvalidInput if it is none, or a factory is missing or too many."""
    program, script = where.file.suffix.lower() == ".pt2", _is_script(where.file)
    if where.entry and (program or script):
        raise InvalidInput(f"{where.file.name} is a whole program and needs no `factory:`; leave it out")
    if program:
        return of_program(torch.export.load(where.file), where.file.name)
    if script:
        return _of_script(torch.jit.load(str(where.file), map_location="cpu").eval(), where.file.name)
    return _of_state(where)


def _is_script(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        return any("code" in Path(name).parts[1:2] for name in archive.namelist())


def of_program(program: Any, name: str) -> Net:
    """Return an exported program as a network."""
    arguments, keywords = program.example_inputs or ((), {})
    asked = set(program.graph_signature.user_inputs)
    places = [n for n in program.graph.nodes if n.op == "placeholder" and n.name in asked]
    if len(places) != len(arguments) + len(keywords):
        raise InvalidInput(
            f"{name} takes lists or dictionaries of tensors; export a module that takes each tensor for itself"
        )
    limits = program.range_constraints
    return Net(
        call=program.module(),
        inputs=tuple(_place(p.name, p.meta["val"], limits, name) for p in places),
        positional=len(arguments),
        keywords=tuple(keywords),
        end=_end([str(n.target) for n in program.graph.nodes if n.op == "call_function"]),
        program=program,
    )


def _place(name: str, value: Any, limits: Any, file: str) -> Tensor:
    if not value.shape or isinstance(value.shape[0], int):
        rows = value.shape[0] if value.shape else "no"
        raise InvalidInput(
            f"{file} was exported for exactly {rows} row{'' if rows == 1 else 's'} of {name!r}; export it for any "
            f"number: {EXPORT}"
        )
    limit = limits.get(value.shape[0].node.expr)
    if limit is not None and (limit.lower > TOLD or limit.upper < MOST_ROWS):
        raise InvalidInput(
            f"{file} was exported for {limit.lower} to {limit.upper} rows of {name!r}, and requests have 1 to "
            f"{MOST_ROWS:,}; export it for any number: {EXPORT}"
        )
    shape = tuple(n if isinstance(n, int) else 0 for n in value.shape[1:])
    return Tensor(name=name, shape=shape, dtype=_numpy_name(value.dtype, name, file))


def _numpy_name(dtype: Any, name: str, file: str) -> str:
    said = str(dtype).removeprefix("torch.")
    if not hasattr(np, said):
        raise InvalidInput(f"{file} takes {said} for {name!r}, which NumPy has not; export it with float32 inputs")
    return said


def _of_script(script: Any, name: str) -> Net:
    arguments = [a.name for a in script.forward.schema.arguments[1:] if not a.has_default_value()]
    if len(arguments) != 1:
        raise InvalidInput(
            f"{name} is TorchScript that takes {', '.join(arguments) or 'nothing'}, and does not tell their shapes; "
            f"export it as a program, which does: {EXPORT}"
        )
    kinds = [node.kind() for node in script.inlined_graph.nodes() if node.kind().startswith("aten::")]
    return Net(call=script, end=_end(kinds), script=script)


def _of_state(where: Artifact) -> Net:
    try:
        found = torch.load(where.file, map_location="cpu", weights_only=True)
    except Exception as e:  # torch's own errors share no base class
        raise InvalidInput(
            f"{where.file.name} holds more than tensors, and is no program: {str(e).split(chr(10))[0][:160]}. Save "
            f"torch.save(model.state_dict(), {where.file.name!r}), or the whole: {EXPORT}"
        ) from e
    state = next((found[key] for key in INNER if isinstance(found, dict) and key in found), found)
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise InvalidInput(f"{where.file.name} holds a {type(state).__name__} that is no state_dict: {EXPORT}")
    if where.code is None:
        raise InvalidInput(
            f"{where.file.name} holds what a network learnt (a state_dict), not the network; write a function that "
            "returns it untrained into a file beside, and name it: `factory: net.py:build`. Or save the whole: "
            f"{EXPORT}"
        )
    module = _filled(_built(where), state, where)
    steps = [type(m).__name__ for m in module.modules() if not list(m.children())]
    return Net(call=module, end=steps[-1] if steps else "", module=module)


def _built(where: Artifact) -> Any:
    file, build = function_of(f"{where.code}:{where.entry}", "factory")
    try:
        module = build()
    except Exception as e:  # not our code
        raise JobFailed(blame(e, file).removeprefix(f"{file.parent}/")) from e
    if not isinstance(module, torch.nn.Module):
        raise InvalidInput(
            f"{file.name}: {where.entry} returned {type(module).__name__}; a torch.nn.Module was expected"
        )
    return module


def _filled(module: Any, state: dict[str, Any], where: Artifact) -> Any:
    try:
        module.load_state_dict(state)
    except RuntimeError as e:
        assert where.code is not None
        said = " ".join(str(e).split())[:400]
        raise InvalidInput(
            f"{where.file.name} does not fit what {where.code.name}:{where.entry} returns: {said}"
        ) from e
    return module.eval()


def _end(steps: list[str]) -> str:
    """Return the last step by the name of its operator: `aten.linear.default` and `aten::linear` are linear."""
    names = [s.removeprefix("aten::").removeprefix("aten.").partition(".")[0] for s in steps]
    plain = [n for n in names if n not in ("select", "squeeze", "view", "reshape", "alias", "slice", "flatten")]
    return plain[-1] if plain else ""
