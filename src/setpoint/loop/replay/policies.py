"""What a replay compares: the setpoint file as it is, an overlay of it, or what others do instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from setpoint.config import FILE_NAME, SetpointFile, check_setpoint_text
from setpoint.config.units import nearest
from setpoint.errors import InvalidInput

FIXED = ("model", "task", "target", "time", "id", "outcome_time", "outcome_delay", "outcomes")  # what the records are
WATCH: dict[str, Any] = {"envelope": {"automatic": [], "ask": []}}


class Refit(StrEnum):
    """When a model is trained again without a gate."""

    WEEKLY = "weekly"
    ALWAYS = "always"
    ON_ALARM = "on alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One runner of the race.

    `overlay` are the keys that differ from setpoint.yaml. Without `loop` nobody looks at what is served; with a `refit`
    new versions are made and served without being judged.
    """

    name: str
    means: str
    file: str = FILE_NAME  # what an error in the overlaid file names
    overlay: Mapping[str, Any] = field(default_factory=dict)
    loop: bool = True
    refit: Refit | None = None


BUILT_IN = {
    p.name: p
    for p in (
        Policy(name="setpoint", means="what setpoint.yaml says"),
        Policy(name="never", means="the model as it was deployed, and nothing else", loop=False),
        Policy(name="alarm", means="everything is watched and reported, and nothing is done", overlay=WATCH),
        Policy(name="periodic", means="trained again every week, never judged", loop=False, refit=Refit.WEEKLY),
        Policy(name="always", means="trained again at each look, never judged", loop=False, refit=Refit.ALWAYS),
        Policy(
            name="reflex", means="trained again on every new incident, never judged", overlay=WATCH,
            refit=Refit.ON_ALARM,
        ),
    )
}  # fmt: skip
SETPOINT, NEVER = BUILT_IN["setpoint"], BUILT_IN["never"]
POLICIES = (SETPOINT.name, NEVER.name)  # raced where nothing else is asked for


def policy_of(text: str) -> Policy:
    """Return a built-in policy by its name, or the one that an overlay of setpoint.yaml makes.

    Raises
    ------
    InvalidInput
        If the text is neither, or the file holds no keys and values, or keys that say what the records are.
    """
    if text in BUILT_IN:
        return BUILT_IN[text]
    path = Path(text)
    if path.suffix not in (".yaml", ".yml"):
        known = (*BUILT_IN, "the path of a .yaml file with keys of setpoint.yaml")
        raise InvalidInput(f"unknown policy {text!r}{nearest(text, tuple(BUILT_IN))}; known: {', '.join(known)}")
    if path.stem in BUILT_IN:
        raise InvalidInput(f"{path}: {path.stem!r} is the name of a built-in policy; call the file something else")
    return Policy(
        name=path.stem,
        means=f"setpoint.yaml with the keys of {path.name}",
        file=f"{FILE_NAME} under {path.name}",
        overlay=_read(path),
    )


def policies_of(texts: tuple[str, ...] | list[str]) -> tuple[Policy, ...]:
    """Return the policies of a race; `never` is always one, for without it nothing can be said of the others."""
    found = {p.name: p for p in map(policy_of, texts)}
    if len(found) < len(set(texts)):
        raise InvalidInput("two policies have the same name; a file is called by its name without the ending")
    return tuple({**found, NEVER.name: NEVER}.values())


def under(policy: Policy, file: SetpointFile) -> SetpointFile:
    """Return the setpoint file that a policy runs under.

    Raises
    ------
    InvalidInput
        If the overlaid file is none: names the key and what was expected.
    """
    if not policy.overlay:
        return file
    merged = yaml.safe_dump(laid_over(file.stated, policy.overlay), sort_keys=False)
    return check_setpoint_text(merged, file.root / policy.file)


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return mappings merged key by key; anything else above replaces what is below."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        merged[key] = laid_over(below[key], value) if both else value
    return merged


def _read(path: Path) -> Mapping[str, Any]:
    try:
        overlay = yaml.safe_load(path.read_text())
    except OSError as e:
        raise InvalidInput(f"cannot read policy {path}: {e.strerror}") from e
    except yaml.YAMLError as e:
        raise InvalidInput(f"policy {path} is not valid YAML: {e}") from e
    if not isinstance(overlay, dict) or not overlay:
        raise InvalidInput(f"policy {path} must hold keys of setpoint.yaml that differ, like `update: {{every: 7d}}`")
    if fixed := [key for key in FIXED if key in overlay]:
        raise InvalidInput(
            f"policy {path}: {', '.join(fixed)} say what the records are, and are the same for all policies of a race; "
            "state them in setpoint.yaml"
        )
    return overlay
