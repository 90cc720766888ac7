"""An overview as data frames."""

from dataclasses import fields

import pandas as pd

from setpoint.domain.finding import Finding
from setpoint.monitor.overview.values import ColumnView, Overview

APART = ("bars", "history", "nulls_history")  # of a column: pictures, in no frame


def findings_frame(overview: Overview) -> pd.DataFrame:
    """Return one row a finding."""
    names = [f.name for f in fields(Finding)]
    return pd.DataFrame([{n: getattr(f, n) for n in names} for f in overview.findings], columns=names)


def columns_frame(overview: Overview) -> pd.DataFrame:
    """Return one row a column, in order of importance."""
    names = [f.name for f in fields(ColumnView) if f.name not in APART]
    rows = [{n: getattr(c, n) for n in names} | {"state": str(c.state)} for c in overview.columns]
    return pd.DataFrame(rows, columns=names)
