"""Every error raised on purpose.

* SetpointError
  + InvalidInput      does not fit: a file, a setting, a table, an argument
    - InvalidRequest  a request that does not fit the model's schema
      * Isolated      one with a row that ends the model's process
    - TooLarge        a body or a batch beyond its bound
  + NotFound          unknown model, version, incident or route
  + Conflict          something else is under way, or already over
  + NotReady          still loading, or not running; ask again
  + Overloaded        more work waits than can be done in time; ask again later
    - Throttled       a caller who is held to fewer requests asked for more
  + DeadlineExceeded  a request that waited longer than its caller allowed
  + NotAllowed        without the key of a person
    - Forbidden       with the key of one who may not
  + Unsafe            an artefact that may not be loaded
  + Corrupt           bytes that differ from their digest
  + Unusable          the machine refuses: port in use, folder not writable, disk full
  + JobFailed         a conversion or a training that ended badly in its own process
  + ModelFailed       a model that raised, or answered something that is no number
    - ModelGone       a model whose process died or hung
      * ModelEnded    the same, while it answered just this; WorkerEnded where its worker did
"""


class SetpointError(Exception):
    """Base of every error Setpoint raises on purpose; its text is written for the user."""


class InvalidInput(SetpointError, ValueError):
    """A file, setting, table or argument that does not fit: what, where, and what was expected."""


class InvalidRequest(InvalidInput):
    """A request that does not fit the model's schema.

    Parameters
    ----------
    message : str
        What is wrong, where, and what was expected.
    violations : tuple of str
        One short code a violated rule, `rule:field`, e.g. `missing:temp`; recorded and monitored.
    bare : str
        The same without anything that the caller sent; said in its place where a model has sensitive fields.
    """

    def __init__(self, message: str, violations: tuple[str, ...] = (), bare: str = "") -> None:
        super().__init__(message)
        self.violations, self.bare = violations, bare


class Isolated(InvalidRequest):
    """A request with a row that ends the model's process, or makes it hang; `by` is the repair that refuses it."""

    def __init__(self, message: str, by: str) -> None:
        super().__init__(message, ("isolated:row",), message)
        self.by = by


class TooLarge(InvalidInput):
    """A body or a batch beyond its bound."""


class NotFound(SetpointError, LookupError):
    """No such model, version, incident or route."""


class Conflict(SetpointError):
    """Something else is under way, or the thing has already ended."""


class NotReady(SetpointError):
    """Still loading, or not running."""


class Overloaded(SetpointError):
    """More work waits than can be done in time.

    Parameters
    ----------
    message : str
    retry_after_s : int
        When to try again.
    """

    violations = ("overload",)

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Throttled(Overloaded):
    """A caller who is held to so many requests a second asked for more; `by` is the repair that holds them."""

    violations = ("throttled",)

    def __init__(self, message: str, retry_after_s: int, by: str) -> None:
        super().__init__(message, retry_after_s)
        self.by = by


class DeadlineExceeded(SetpointError):
    """A request that waited longer than its caller allowed, and was not run."""

    violations = ("deadline",)


class NotAllowed(SetpointError, PermissionError):
    """Something that takes the key of a person, without one."""


class Forbidden(NotAllowed):
    """Something that a key does not allow: another role, or another model."""


class Unsafe(SetpointError):
    """An artefact that may not be loaded: it could run code nobody allowed."""


class Corrupt(SetpointError):
    """Bytes that differ from the digest they were stored under."""


class Unusable(SetpointError, OSError):
    """The machine refuses: a port in use, a folder that cannot be written, a full disk."""


class JobFailed(SetpointError, RuntimeError):
    """A conversion or a training that ended badly in its own process."""


class ModelFailed(SetpointError, RuntimeError):
    """A model that raised, or answered something that is no number."""


class ModelGone(ModelFailed):
    """A model whose process died or hung."""


class ModelEnded(ModelGone):
    """A model whose process died or hung while it answered just this."""


class WorkerEnded(ModelEnded):
    """The same of a model that runs in its worker, which ended with it; nobody was told."""
