"""In which range a metric lies, and what it may be worse by."""

from dataclasses import dataclass

from setpoint.domain.evidence import Terms

NOBODY_MINDS = 0.1  # of the margin: what is worse by less is no harm


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Of one metric: values lie from 0 to `top` and are around `middle`; `margin` is what they may be worse by."""

    top: float
    middle: float
    margin: float

    @property
    def trifle(self) -> float:
        """What nobody minds."""
        return NOBODY_MINDS * self.margin


def rate(margin: float | None = None) -> Scale:
    """Return the scale of what happens or does not."""
    return Scale(top=1.0, middle=0.0, margin=margin or 0.0)


def loss_scale(terms: Terms) -> Scale | None:
    """Return the scale of the losses; None where the champion's are not known."""
    frozen, margin = terms.frozen, terms.margins.quality
    if frozen.loss is None or not frozen.loss_bound:
        return None
    middle = min(frozen.loss, frozen.loss_bound)
    return Scale(top=frozen.loss_bound, middle=middle, margin=(margin or 0.0) * middle)


def value_scale(terms: Terms) -> Scale | None:
    """Return the scale of what decisions fall short of the best there is; None where their value is not known."""
    frozen, margin = terms.frozen, terms.margins.value
    if frozen.value is None or frozen.value_low is None or frozen.value_high is None or frozen.value_size is None:
        return None
    top = frozen.value_high - frozen.value_low
    return Scale(top=top, middle=frozen.value_high - frozen.value, margin=(margin or 0.0) * frozen.value_size)
