"""What boosters out of their libraries' own files have in common."""

from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.update.trainers.request import FitRequest


def check_method(request: FitRequest, supported: tuple[Method, ...], why: str = "") -> None:
    """Refuse a method that such a file cannot be trained by; `why` tells what it lacks.

    Raises
    ------
    InvalidInput
    """
    if request.method not in supported:
        raise InvalidInput(
            f"`{request.method}` is not for {request.artifact.name}{why}. Supported methods of a "
            f"{request.artifact.suffix}: {', '.join(supported)}; or write your own training and name it: "
            "`train: train.py:fit`"
        )
