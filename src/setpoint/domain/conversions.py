"""Physical conversions: the maps that an upstream unit change most often is."""

from setpoint.domain.value import value


@value
class Conversion:
    """`scale * x + offset` turns what is sent into what the model expects; `rare` ones are less likely a priori."""

    label: str
    scale: float
    offset: float = 0.0
    rare: bool = False

    @property
    def inverse(self) -> "Conversion":
        """The way back."""
        sent, wanted = self.label.split(" → ")
        return Conversion(
            label=f"{wanted} → {sent}", scale=1 / self.scale, offset=-self.offset / self.scale, rare=self.rare
        )


_ONE_WAY = (
    Conversion(label="°F → °C", scale=5 / 9, offset=-160 / 9),
    Conversion(label="K → °C", scale=1.0, offset=-273.15),
    Conversion(label="°F → K", scale=5 / 9, offset=273.15 - 160 / 9, rare=True),
    Conversion(label="tens → ones", scale=10.0),
    Conversion(label="fraction → percent", scale=100.0),
    Conversion(label="thousands → ones", scale=1_000.0),
    Conversion(label="minutes → seconds", scale=60.0, rare=True),
    Conversion(label="hours → seconds", scale=3_600.0, rare=True),
    Conversion(label="mph → km/h", scale=1.609344, rare=True),
    Conversion(label="m/s → km/h", scale=3.6, rare=True),
    Conversion(label="m/s → mph", scale=3.6 / 1.609344, rare=True),
    Conversion(label="ft → m", scale=0.3048, rare=True),
    Conversion(label="lb → kg", scale=0.45359237, rare=True),
)
CATALOGUE = _ONE_WAY + tuple(c.inverse for c in _ONE_WAY)
