"""How often compare is wrong about like with like, and how often it finds a small shift; beside usual rules."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from setpoint.monitor import compare


def table(rng, rows, rho=0.0, moved=0.0, columns=12):
    noise = rng.normal(size=(columns, rows + 100)) * np.sqrt(1 - rho**2)
    z = lfilter([1.0], [1.0, -rho], noise, axis=1)[:, 100:]
    z[0] += moved
    made = {f"n{at}": z[at] for at in range(columns // 2)}
    made |= {f"l{at}": np.exp(z[at]) for at in range(columns // 2, columns - 3)}
    levels = np.array(["a", "b", "c", "d"], object)[np.searchsorted([-1.0, 0.2, 1.2], z[-1])]
    return pa.table({**made, "few": np.clip(np.round(z[-3]), -2, 2), "flag": z[-2] > 0.5, "level": levels})


@pytest.mark.parametrize(("rows", "rho"), [(200, 0.0), (200, 0.9), (2_000, 0.0), (2_000, 0.9)])
def test_like_with_like_is_quiet_also_when_rows_depend_on_one_another(rows, rho):
    rng = np.random.default_rng([rows, int(10 * rho)])
    ours = dummy = 0
    for _ in range(20):
        a, b = table(rng, rows, rho), table(rng, rows, rho)
        ours += bool(compare(a, b).changed)
        dummy += any(ks_2samp(a[f"n{at}"], b[f"n{at}"]).pvalue < 0.05 for at in range(6))
    assert ours == 0
    assert dummy >= 4


def test_a_shift_of_a_fifth_of_a_deviation_is_found_in_5_000_rows():
    """PSI > 0.2 never sees it."""
    rng = np.random.default_rng(0)
    found = [compare(table(rng, 5_000), table(rng, 5_000, moved=0.2))["n0"] for _ in range(15)]
    assert sum(each.kind == "shift" for each in found) >= 14
    assert max(each.psi for each in found) < 0.2
