"""What a key of the control port allows: a role, and the models that it is for."""

from enum import StrEnum

from setpoint.domain.value import value


class Role(StrEnum):
    """What somebody may do; each may do what the ones before it may, too."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # has the loop look, and holds it back: takes over, gives back, refuses, undoes
    APPROVER = "approver"  # lets a change in: approves

    def may(self, needed: "Role") -> bool:
        """Whether this role is enough where another one is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@value
class Grant:
    """Who asks, and what they may.

    Parameters
    ----------
    name : str
        Who is written into the record; empty: a program of this machine, without a key.
    role : Role
    models : tuple of str
        For which; empty: for all.
    """

    name: str
    role: Role
    models: tuple[str, ...] = ()

    def sees(self, model: str) -> bool:
        """Whether it is for a model."""
        return not self.models or model in self.models

    @property
    def words(self) -> str:
        """`approver of demand, price`."""
        return f"{self.role} of {', '.join(self.models) or 'all models'}"


HERE = Grant(name="", role=Role.OPERATOR)
