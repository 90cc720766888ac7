"""A full disk under two versions that answer together: what was written is not written again."""

from setpoint.domain.record import InferenceRecord, layout_of
from setpoint.errors import Unusable
from setpoint.serve.holding import HoldingRecorder


class HalfFull:
    """Writes one append a call; refuses those it is told to."""

    def __init__(self):
        self.written, self.refuse = [], set()

    def append(self, records):
        if {r.version for r in records} & self.refuse:
            raise Unusable("no space")
        self.written += [r.request_id for r in records]

    def tend(self):
        pass


def record(n, version, *columns):
    return InferenceRecord(
        f"r{n}", "demand", version, "champion", n, 1, 200, "", [f"i{n}"], [n], layout_of(columns, ()),
        [[1.0] for _ in columns], [],
    )  # fmt: skip


def test_only_what_was_refused_is_written_again():
    disk = HalfFull()
    holding = HoldingRecorder(disk, retry_s=0)
    disk.refuse = {"v2"}
    holding.append([record(0, "v1", "a"), record(1, "v2", "a", "b"), record(2, "v1", "a")])
    assert len(disk.written) + holding.held == 3
    assert "r1" not in disk.written
    disk.refuse = set()
    holding.tend()
    assert (sorted(disk.written), holding.held) == (["r0", "r1", "r2"], 0)


def test_equal_columns_have_one_layout():
    assert layout_of(("a", "b"), ("p",)) is layout_of(("a", "b"), ("p",))


def test_it_tells_since_when_how_much_is_held_and_that_it_is_over():
    disk = HalfFull()
    holding = HoldingRecorder(disk, retry_s=0, bound=9)
    assert holding.tell() is None
    disk.refuse = {"v1"}
    holding.append([record(n, "v1", "a") for n in range(4)])
    told = holding.tell()
    assert (told.held, told.most, told.bound, told.until) == (4, 4, 9, None)
    assert "no space" in told.reason
    disk.refuse = set()
    holding.tend()
    over = holding.tell()
    assert (over.held, over.most, over.since) == (0, 4, told.since)
    assert over.until >= over.since
    disk.refuse = {"v1"}
    holding.append([record(5, "v1", "a")])
    assert (holding.tell().most, holding.tell().until) == (1, None)
