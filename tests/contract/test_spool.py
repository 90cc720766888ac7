"""The hand-over from the data plane: whole on return, locked while it may grow, never continued by another."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from setpoint.domain.record import InferenceRecord, Outcome
from setpoint.errors import Unusable
from setpoint.store.framing import MAGIC
from setpoint.store.packing import Packed, is_layout, packed, records_in
from setpoint.store.segments import FIRST, Followed, follow, segments
from setpoint.store.spool import INGESTED, OUTCOMES, RECORDS, Spool, ask_to_close


def record(n: int, model: str = "demand") -> InferenceRecord:
    return InferenceRecord.named(
        request_id=f"r{n}",
        model=model,
        version="v1",
        role="champion",
        arrived_us=n,
        latency_us=1,
        status=200,
        caller="",
        ids=[f"i{n}"],
        times_us=[n],
        inputs={"temp": [1.5], "sky": [None]},
        outputs={"prediction": [2.0]},
    )


def read(path: Path, *, mend: bool = False) -> list[Packed]:
    found = follow(path, FIRST, mend=mend)
    return records_in(found.scan.frames, found.form, None).records


def only(folder: Path, suffix: str = RECORDS) -> Path:
    (path,) = segments(folder, suffix)
    return path


def mended(path: Path) -> Followed:
    return follow(path, FIRST, mend=True)


def test_what_is_appended_can_be_read_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w")
    spool.append([record(0), record(1, "other")])
    spool.append([record(2)])
    assert read(only(tmp_path / "demand")) == [packed(record(0)), packed(record(2))]
    assert read(only(tmp_path / "other")) == [packed(record(1, "other"))]
    spool.close()


def test_what_the_log_has_not_taken_lags_behind(tmp_path: Path) -> None:
    spool, mark = Spool(tmp_path, "w"), tmp_path / INGESTED
    assert spool.lag_s() == 0
    spool.append([record(0)])
    now = time.time()
    mark.touch()
    os.utime(mark, (now - 100, now - 100))
    assert 0 < spool.lag_s() < 60
    os.utime(mark, (now + 1, now + 1))
    assert spool.lag_s() == 0
    spool.close()


def test_a_clock_that_went_back_leaves_no_lag_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, mark = Spool(tmp_path, "w"), tmp_path / INGESTED
    ahead = time.time() + 6 * 3_600
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: ahead)
        spool.append([record(0)])
    assert spool.lag_s() < 60
    mark.touch()
    os.utime(mark, (time.time() + 1, time.time() + 1))
    assert spool.lag_s() == 0
    spool.close()


def test_outcomes_have_segments_of_their_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w")
    told = [Outcome(id="i0", value=3.5, known_us=9), Outcome(id="i1", value="yes", known_us=9)]
    spool.append_outcomes("demand", told)
    spool.append_outcomes("demand", [])
    ((_, payload),) = follow(only(tmp_path / "demand", OUTCOMES), FIRST, mend=False).scan.frames
    assert msgspec.msgpack.decode(payload, type=list[Outcome]) == told
    spool.close()


def test_an_open_segment_is_locked_and_a_closed_one_is_not(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w")
    spool.append([record(0)])
    assert not mended(only(tmp_path / "demand")).finished
    spool.close()
    assert mended(only(tmp_path / "demand")).finished


def test_a_writer_never_continues_a_segment(tmp_path: Path) -> None:
    for n in range(3):
        spool = Spool(tmp_path, "w")
        spool.append([record(n)])
        spool.close()
    assert [read(path) for path in segments(tmp_path / "demand", RECORDS)] == [[packed(record(n))] for n in range(3)]


def test_a_segment_that_has_grown_is_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w", segment_bytes=210)
    for n in range(6):
        spool.append([record(n)])
    paths = segments(tmp_path / "demand", RECORDS)
    assert len(paths) == 3
    assert all(mended(path).finished for path in paths)
    assert [r for path in paths for r in read(path)] == [packed(record(n)) for n in range(6)]


def test_an_old_segment_is_closed_when_the_spool_is_tended(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w", segment_s=0.05)
    spool.append([record(0)])
    spool.tend()
    assert not mended(only(tmp_path / "demand")).finished
    time.sleep(0.06)
    spool.tend()
    assert mended(only(tmp_path / "demand")).finished
    spool.append([record(1)])
    assert len(segments(tmp_path / "demand", RECORDS)) == 2
    spool.close()


def test_every_writer_closes_its_segments_when_asked(tmp_path: Path) -> None:
    spools = [Spool(tmp_path, writer) for writer in "ab"]
    for spool in spools:
        spool.append([record(0)])
    ask_to_close(tmp_path)
    for spool in spools:
        spool.tend()
    assert all(mended(path).finished for path in segments(tmp_path / "demand", RECORDS))
    for spool in spools:
        spool.append([record(1)])
        spool.tend()
    assert sum(mended(path).finished for path in segments(tmp_path / "demand", RECORDS)) == 2
    ask_to_close(tmp_path)
    for spool in spools:
        spool.tend()
    assert all(mended(path).finished for path in segments(tmp_path / "demand", RECORDS))


def test_closing_twice_and_going_on_is_fine(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w", fsync=True)
    spool.append([record(0)])
    spool.close()
    spool.close()
    spool.append([record(1)])
    spool.close()
    assert len(segments(tmp_path / "demand", RECORDS)) == 2


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("")
    with pytest.raises(
        Unusable, match=r"cannot write records to .*spool/demand: .*; free the disk or set SETPOINT_HOME"
    ):
        Spool(tmp_path / "spool", "w").append([record(0)])


FILL = """
import resource, signal, sys
from pathlib import Path
from setpoint.errors import Unusable
from setpoint.store.spool import Spool
sys.path.insert(0, sys.argv[2])
from record import record
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path(sys.argv[1]), "w")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
done = 0
try:
    while True:
        spool.append([record(done)])
        done += 1
except Unusable as e:
    print(done, e)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
spool.append([record(done)])
"""


def test_a_full_disk_is_reported_and_leaves_no_torn_record(tmp_path: Path) -> None:
    """The limit on file size makes the kernel write a part, then refuse, as a full disk does."""
    helper = tmp_path / "helper"
    helper.mkdir()
    (helper / "record.py").write_text(RECORD)
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path / "spool"), str(helper)], capture_output=True, text=True, check=True
    )
    count, message = done.stdout.split(maxsplit=1)
    assert "cannot write records to" in message
    path = only(tmp_path / "spool" / "demand")
    assert len(read(path)) == int(count) + 1
    found = mended(path)
    assert (found.scan.torn, found.finished) == (0, True)


RECORD = """
from setpoint.domain.record import InferenceRecord, Layout
def record(n):
    layout = Layout(("temp",), ())
    return InferenceRecord(
        f"r{n}", "demand", "v1", "champion", n, 1, 200, "", [f"i{n}"], [n], layout, [[1.5]], []
    )
"""


def test_a_torn_tail_is_cut_once_the_writer_is_gone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w")
    spool.append([record(0), record(1)])
    path = only(tmp_path / "demand")
    os.truncate(path, path.stat().st_size - 5)
    assert read(path, mend=True) == [packed(record(0))]
    before = path.stat().st_size
    spool.close()
    torn = mended(path).scan.torn
    assert path.stat().st_size == before - torn
    assert torn > 0
    assert mended(path).scan.torn == 0
    assert read(path) == [packed(record(0))]


def closed_segment(folder: Path, count: int) -> Path:
    spool = Spool(folder, "w")
    for n in range(count):
        spool.append([record(n)])
    spool.close()
    return only(folder / "demand")


def test_damaged_bytes_are_set_aside(tmp_path: Path) -> None:
    path = closed_segment(tmp_path, 3)
    data = bytearray(path.read_bytes())
    first, second, _ = (at for at, payload in follow(path, FIRST, mend=False).scan.frames if not is_layout(payload))
    data[first + 20] ^= 1
    path.write_bytes(data)
    assert read(path, mend=True) == [packed(record(1)), packed(record(2))]
    (kept,) = (tmp_path / "demand" / "quarantine").iterdir()
    assert kept.name == f"{path.name}-{first}.bin"
    assert kept.read_bytes() == bytes(data[first:second])


def test_any_flipped_byte_costs_one_record_at_most(tmp_path: Path) -> None:
    """Wherever it is: in the header, in a layout, in a length, in a payload, but not in the format's number."""
    path = closed_segment(tmp_path, 4)
    whole = path.read_bytes()
    for at in range(len(whole)):
        if at == FIRST - 1:
            continue
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        path.write_bytes(damaged)
        found = mended(path)
        contents = records_in(found.scan.frames, found.form, None)
        lost = len(found.scan.corrupt) + bool(found.scan.torn) + len(contents.strange)
        assert (lost, found.finished) == (1, True)
        assert len(contents.records) >= 3


def test_a_segment_of_a_later_format_is_set_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "w-1.seg"
    later = MAGIC + b"\x09" + b"what a later release writes"
    path.write_bytes(later)
    found = mended(path)
    assert (found.finished, len(found.scan.corrupt), found.scan.frames) == (True, 1, [])
    assert (tmp_path / "quarantine" / "w-1.seg-0.bin").read_bytes() == later
    assert mended(path).scan.corrupt == []


def test_a_file_that_is_no_segment_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "w-1.seg"
    path.write_bytes(b"PAR1" * 10)
    found = mended(path)
    assert (found.finished, found.scan.frames) == (True, [])
    kept = {int(part.stem.rpartition("-")[2]): part.read_bytes() for part in (tmp_path / "quarantine").iterdir()}
    assert b"".join(kept[at] for at in sorted(kept)) == b"PAR1" * 10


def test_a_reader_that_may_not_mend_touches_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w")
    spool.append([record(0)])
    spool.close()
    path = only(tmp_path / "demand")
    with path.open("ab") as file:
        file.write(b"torn")
    before = path.read_bytes()
    assert read(path) == [packed(record(0))]
    assert path.read_bytes() == before
    assert not (tmp_path / "demand" / "quarantine").exists()


def test_a_segment_is_locked_before_it_has_its_name(tmp_path: Path) -> None:
    """A reader that lists the folder at any moment sees only segments that are locked and have their header."""
    spool = Spool(tmp_path, "w")
    spool.append([record(0)])
    (entry,) = (tmp_path / "demand").iterdir()
    descriptor = os.open(entry, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    spool.close()


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Each record is written down by the parent only after the writer has said that it was appended."""
    helper = tmp_path / "helper"
    helper.mkdir()
    (helper / "record.py").write_text(RECORD)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\nfrom record import record\nfrom setpoint.store.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 'w')\n"
        "for n in range(10**9): spool.append([record(n)]); print(n, flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "spool"), str(helper)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(500)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout.read().split()]
    found = [r.arrived_us for r in read(only(tmp_path / "spool" / "demand"), mend=True)]
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) <= len(acknowledged) + 1
