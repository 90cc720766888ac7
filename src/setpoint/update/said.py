"""What a training says: bounded, without secrets, and with how far it is."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import IO

from setpoint.sandbox.environment import SECRET

MOST_LINE, MOST_LINES = 400, 10_000  # characters of one, and how many are kept
MOST_READ = 4 * MOST_LINE  # so that a secret is masked whole where a line is cut
LAST = 20
HIDDEN = "•••"
SHORTEST_SECRET = 6  # characters: a shorter value would be masked in every word it is part of
SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*"
    r"|\bA(?:KIA|SIA)[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a JSON web token
    r"|\b[0-9a-fA-F]{64}\b"  # 32 bytes: what our own keys are
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"
    r"|\b(?:gh[a-z]|github_pat|glpat|hf|npm|pypi|xox[a-z]|[rs]k_live|[rs]k_test)[_-](?=[\w-]*\d)[\w-]{10,}"
    r"|\bsk-(?=[\w-]*\d)[\w-]{20,}"
    r"|\bAIza[\w-]{30,}"
    r"|(?i:\b(?<=bearer )(?=\S*\d)[\w.~+/=-]{16,})"
)
AUTHORIZATION = re.compile(r"(?i)(authorization[\"']?\s*[=:]\s*[\"']?)(?:(?:bearer|basic|digest|token)\s+)?[^\s\"',;]+")
IS = r"[\"']?\s*[=:]\s*"
TEXT = r"(?:\"[^\"]*(?:\"|$)|'[^']*(?:'|$)|[^\s\"',;]{%d,})"
NUMBER = r"[-+]?\d[\d_.,/]*(?:e[-+]?\d+)?\s?(?:%|[kmgt]i?b?|[mun]?s|it|x|min|h)?(?![\w.-])"
NO_SECRET = rf"(?![\"']?(?:{NUMBER}|\[[A-Z]+\]|<[^<>\s]*>|(?:none|null|true|false)\b))"
PLAIN = r"(?i)((?:passwords?|passwd|passphrases?|secrets?|credentials?)" + IS + ")" + TEXT % 1
PASS = r"(?i)((?:\bpass(?=[\"']?=|[\"']\s*:)|(?:db|user|root|admin|smtp|pg|sql|redis|mongo)_?pass|\bpwd|[_-]pwd)"
NAMED = tuple(
    re.compile(expression)
    for expression in (
        PLAIN,
        PASS + IS + r")(?!/)" + NO_SECRET + TEXT % 3,
        r"(\b[A-Z][A-Z0-9_]*_PASS" + IS + ")" + TEXT % 1,
        r"(?i)((?:key|token|auth)s?" + IS + ")" + NO_SECRET + TEXT % 4,
    )
)
BEGINS = "PRIVATE KEY-----"
OF_A_KEY = re.compile(r"\s*(?:[A-Za-z0-9+/]+=*|[A-Z][\w-]+: .*|-----END .*|)\s*")  # of what comes after BEGIN
PLACE = re.compile(r"\[ *(\d{1,3}) ?%\] *")


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of an environment that nobody should read, the longest first."""
    told = (v for name, v in environment.items() if SECRET.search(name) or name.startswith("SETPOINT_"))
    found = {part for v in told for part in (v, *v.split(",")) if len(part) >= SHORTEST_SECRET and not part.isdecimal()}
    return tuple(sorted((v for v in found if not v.startswith("/")), key=len, reverse=True))


def masked(line: str, secrets: tuple[str, ...] = ()) -> str:
    """Return a line as it may be shown and kept: no secrets, nothing that moves a cursor, of bounded length."""
    for secret in secrets:
        line = line.replace(secret, HIDDEN)
    line = AUTHORIZATION.sub(rf"\1{HIDDEN}", SHAPES.sub(HIDDEN, line))
    for named in NAMED:
        line = named.sub(rf"\1{HIDDEN}", line)
    plain = "".join(c if c.isprintable() else " " for c in line).strip()
    return plain if len(plain) <= MOST_LINE else f"{plain[:MOST_LINE]}…"


class Mask:
    """Shows line after line: of a private key, which is told in several, nothing."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets, self._in_key = secrets, False

    def __call__(self, line: str) -> str:
        """Return a line as it may be shown, see `masked`."""
        if self._in_key and OF_A_KEY.fullmatch(line):
            self._in_key = "-----END" not in line
            return HIDDEN if line.strip() else ""
        self._in_key = BEGINS in line and "-----END" not in line
        return masked(line, self._secrets)


def lines_of(stream: IO[str]) -> Iterator[str]:
    """Yield the lines of a stream; of one that is longer than anybody reads the beginning, however long it is."""
    begun = False
    for piece in iter(lambda: stream.readline(MOST_READ), ""):
        if not begun:
            yield piece
        begun = not piece.endswith("\n")


def place_of(line: str) -> tuple[float | None, str]:
    """Return the share done that a line begins with (`[40 %] …`), if it does, and its words."""
    found = PLACE.match(line)
    if found is None:
        return None, line
    return min(1.0, int(found[1]) / 100), line[found.end() :]


class Heard:
    """All that a training says, by either stream: its first lines in a file, the last ones of stderr in memory."""

    def __init__(self, file: Path, secrets: tuple[str, ...]) -> None:
        self._file, self._masks = file.open("w", encoding="utf-8"), (Mask(secrets), Mask(secrets))
        self._lock, self._lines = Lock(), 0
        self._last, self._told = deque[str](maxlen=LAST), deque[str](maxlen=1)

    def hear(self, raw: str, *, error: bool = False) -> str:
        """Keep a line and return it as it may be shown."""
        line = self._masks[error](raw.rstrip("\n"))  # each stream has one thread, and a mask of its own
        with self._lock:
            self._lines += 1
            if line:
                (self._last if error else self._told).append(line)
            if not self._file.closed and self._lines <= MOST_LINES:
                self._file.write(f"{line}\n")
                self._file.flush()
            elif self._lines == MOST_LINES + 1:
                self._file.write("… more was said, and is not kept\n")
        return line

    @property
    def last_words(self) -> str:
        """The last line of stderr, else of stdout."""
        with self._lock:
            last = (*self._told, *self._last)
            return last[-1] if last else "it said nothing"

    def close(self) -> None:
        """Close the file; what comes later is not kept."""
        with self._lock:
            self._file.close()
