"""Which columns fill which input of a model, and the inputs made of columns again."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.deploy.lists import spread
from setpoint.deploy.reference import features_of
from setpoint.deploy.schema import infer_schema
from setpoint.domain.records import Numbers
from setpoint.domain.schema import DType, Task, Tensor
from setpoint.errors import InvalidInput, ModelFailed
from setpoint.runtime.columns import tensors

N = 30
RNG = np.random.default_rng(0)


def a_tensor(name: str = "x", shape: tuple[int, ...] = (2, 3), dtype: str = "float32") -> Tensor:
    return Tensor(name=name, shape=shape, dtype=dtype)


def schema_of(reference: pa.Table, *own: Tensor):
    return infer_schema(reference, target="y", task=Task.REGRESSION, id="key", tensors=own)


def table(**columns: object) -> pa.Table:
    return spread(pa.table({"key": [f"k{i}" for i in range(N)], **columns, "y": RNG.normal(size=N)}))


@st.composite
def filled_inputs(draw: st.DrawFn) -> dict[str, np.ndarray]:
    shapes = draw(st.lists(st.lists(st.integers(1, 3), max_size=3), min_size=1, max_size=3))
    kinds = [draw(st.sampled_from(["float32", "float64", "int64", "int8", "string"])) for _ in shapes]
    made = {}
    for i, (shape, kind) in enumerate(zip(shapes, kinds, strict=True)):
        values = RNG.integers(-100, 100, (N, *shape))
        made[f"t{i}x"] = values.astype(str).astype(object) if kind == "string" else values.astype(kind)
    return made


@given(filled_inputs(), st.booleans())
def test_inputs_come_back_from_columns_as_they_were(made: dict[str, np.ndarray], lists: bool) -> None:
    columns: dict[str, object] = {}
    for name, values in made.items():
        flat = values.reshape(N, -1)
        if values.ndim == 1 or (not lists and flat.shape[1] == 1):
            columns[name] = flat[:, 0].tolist()
        elif lists:
            columns[name] = values.tolist()  # nested as deep as the tensor
        else:
            columns |= {f"{name}{j}": column.tolist() for j, column in enumerate(flat.T)}
    own = [
        a_tensor(n, v.shape[1:], "string" if v.dtype == object else str(v.dtype)) for n, v in made.items()
    ]  # fmt: skip
    reference = table(**columns)
    schema = schema_of(reference, *own)
    back = tensors(features_of(reference, schema.features), schema.tensors)
    for name, values in made.items():
        assert back[name].dtype == values.dtype
        np.testing.assert_array_equal(back[name], values)


def test_numbers_that_lie_in_one_array_give_the_same_inputs() -> None:
    array = RNG.normal(size=(N, 6))
    own = (a_tensor("a", (2,)), a_tensor("b", (2, 2)))
    schema = schema_of(table(**{f"c{j}": array[:, j] for j in range(6)}), *own)
    apart = tensors({f"c{j}": array[:, j] for j in range(6)}, schema.tensors)
    together = tensors(Numbers(schema.names, array.T), schema.tensors)
    for name, values in apart.items():
        np.testing.assert_array_equal(together[name], values)
    assert [t.features for t in schema.tensors] == [("c0", "c1"), ("c2", "c3", "c4", "c5")]


def test_lists_are_spread_in_place_and_others_stay() -> None:
    made = table(a=range(N), image=[[[1, 2], [3, i]] for i in range(N)], ragged=[[0] * (i % 3) for i in range(N)])
    assert made.column_names == ["key", "a", "image_0", "image_1", "image_2", "image_3", "ragged", "y"]
    assert made["image_3"].to_pylist() == list(range(N))
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(range(2 * N)), 2)
    assert spread(pa.table({"v": fixed}))["v_1"].to_pylist() == list(range(1, 2 * N, 2))
    arrow = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(4.0 * N).reshape(N, 2, 2))
    assert spread(pa.table({"v": arrow})).column_names == ["v_0", "v_1", "v_2", "v_3"]
    with pytest.raises(InvalidInput, match="a column 'a_0' beside a list"):
        table(a_0=range(N), a=[[1, 2]] * N)
    with pytest.raises(InvalidInput, match=r"'ragged' .* cannot be spread .*Pad or crop them"):
        schema_of(made, a_tensor(shape=(6,)))


def test_columns_are_found_by_name_by_number_and_by_order() -> None:
    pixels = {f"p{j}": RNG.normal(size=N) for j in range(6)}
    assert schema_of(table(other=range(N), **pixels), a_tensor()).names == tuple(pixels)
    backwards = {f"x{j}": RNG.normal(size=N) for j in reversed(range(6))}
    assert schema_of(table(**backwards, n=range(N)), a_tensor("n", ()), a_tensor()).names == (
        "n", *(f"x{j}" for j in range(6))
    )  # fmt: skip
    mixed = table(b=range(N), note=["a"] * N, **pixels)
    schema = schema_of(mixed, a_tensor("words", (1,), "string"), a_tensor("x", (7,)))
    assert [t.features for t in schema.tensors] == [("note",), ("b", *pixels)]
    whole = schema_of(table(ids=[[1.0, 2.0]] * N), a_tensor("ids", (2,), "int32"))
    assert {f.dtype for f in whole.features} == {DType.INT}


@pytest.mark.parametrize(
    ("columns", "own", "says"),
    [
        ({"a": range(N)}, [a_tensor()], r"takes 'x' \(float32, shape \[2, 3\]: 6 values a row\). For 'x' 6 columns "
         r"of numbers are needed, and 1 are left. The reference offers 1 columns of numbers \(a\) and 0 of"),
        ({"a": range(N)}, [a_tensor(shape=(0, 3))], r"rows of shape \['any', 3\], whose size is not known"),
        ({"a": range(N)}, [a_tensor(shape=(224, 224, 3))], "150,528 values a row"),
        ({"a": ["t"] * N}, [a_tensor("a", ())], "takes float32, and column 'a' of the reference holds texts"),
        ({"a": range(N)}, [a_tensor("a", (1,), "string")], "takes string, and column 'a' .* holds numbers"),
        ({"a": [1, None] * 15}, [a_tensor("a", (), "int64")], "takes int64, and column 'a' .* lacks values"),
        ({"a": [0.5] * N}, [a_tensor("a", (), "int64")], "'a' of the reference holds fractions"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(columns: dict[str, object], own: list[Tensor], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        schema_of(table(**columns), *own)


def test_a_number_that_its_type_cannot_hold_is_refused() -> None:
    own = Tensor(name="x", shape=(), dtype="int8", features=("a",))
    for number in (300.0, 0.5, np.nan):
        with pytest.raises(ModelFailed, match=r"input 'x' takes int8, and 'a' is"):
            tensors({"a": np.array([1.0, number])}, [own])
