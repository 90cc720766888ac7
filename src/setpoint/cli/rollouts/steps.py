"""The course of a rollout as it is given on the command line, in place of what setpoint.yaml says."""

from typing import Annotated

import typer

from setpoint.config import fraction, seconds
from setpoint.domain.course import Course, Step
from setpoint.domain.schema import DType, Feature, Kind
from setpoint.domain.slice import Only
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.operator import Operator

AnySteps = Annotated[str | None, typer.Option(help="Shares in rising order, such as 0,5%,25%,50%; 0 is the shadow.")]
AnySegment = Annotated[
    list[str] | None, typer.Option(help="FEATURE=VALUE: only rows with it. May be repeated, for several values too.")
]
AnyCallers = Annotated[list[str] | None, typer.Option(help="Only requests of this address. May be repeated.")]


def course_of(
    operator: Operator,
    model: str,
    steps: str | None,
    least: str | None,
    requests: int | None,
    segment: list[str] | None,
    callers: list[str] | None,
) -> Course:
    """Return the course that setpoint.yaml gives, with what was given on the command line."""
    (deployment,) = operator.deployments(model)
    course = deployment.rolling.course()
    if steps is not None:
        course = replace(course, steps=_steps(steps))
    if least is not None:
        course = replace(course, steps=tuple(replace(s, least_s=seconds(least)) for s in course.steps))
    if requests is not None:
        course = replace(course, steps=tuple(replace(s, least_requests=requests) for s in course.steps))
    if segment or callers:
        course = replace(course, only=Only(segment=_segment(operator, model, segment), callers=tuple(callers or ())))
    return course


def _steps(text: str) -> tuple[Step, ...]:
    shares = [fraction(part) for part in text.split(",")]
    if any(not 0 <= share < 1 for share in shares) or sorted(set(shares)) != shares:
        raise InvalidInput(f"--steps {text}: expected shares in rising order from 0 to less than 100%: 0,5%,25%,50%")
    return tuple(Step(share=share) for share in shares)


def _segment(operator: Operator, model: str, given: list[str] | None) -> dict[str, tuple[str | bool | float, ...]]:
    """Return values by feature, of the type that the feature has."""
    features = {feature.name: feature for feature in operator.schema(model).features}
    found: dict[str, tuple[str | bool | float, ...]] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or name not in features:
            raise InvalidInput(f"--segment {text}: expected FEATURE=VALUE; the features are {', '.join(features)}")
        found[name] = (*found.get(name, ()), _value(features[name], value))
    return found


def _value(feature: Feature, text: str) -> str | bool | float:
    if feature.kind is Kind.CATEGORICAL:
        return text
    if feature.dtype is DType.BOOL and text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError as e:
        raise InvalidInput(f"--segment {feature.name}={text}: {feature.name} holds numbers") from e
