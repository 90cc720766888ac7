"""The keys of an installation, and what is made with them: keyed hashes, and ciphertexts."""

import hashlib
import itertools
import os
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from setpoint.errors import InvalidInput, Unusable

SIZE = 32  # bytes of a key
HASH, CIPHER = "h:", "e:"
SALT, COUNT, TAG = 16, 8, 16  # bytes of a ciphertext beside the text
SPELT = "each is 32 random bytes, as 64 hexadecimal digits or as base64: `openssl rand -hex 32` makes one"
HASHED = re.compile(r"h:[A-Za-z0-9_-]{22}")
Change = Callable[[str], str]


class Keys:
    """Keys that never show in a text: the first one encrypts, all decrypt, the last one hashes.

    So a new key put first is used from then on, and hashes stay as they were.
    """

    __slots__ = ("_by_id",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != SIZE for key in keys):
            raise InvalidInput(f"there must be at least one key; {SPELT}")
        self._by_id = {key_id(key): key for key in keys}

    def __repr__(self) -> str:
        return f"Keys({', '.join(self._by_id)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """What tells the keys apart; they cannot be learnt from it."""
        return tuple(self._by_id)

    def hasher(self, *context: str) -> Change:
        """Return what hashes texts: keyed BLAKE2b of 128 bits, another key for each context."""
        start = hashlib.blake2b(digest_size=16, key=_derived(self._by_id[self.ids[-1]], "hash", *context))

        def hashed(text: str) -> str:
            state = start.copy()
            state.update(_bytes(text))
            return HASH + _spelt(state.digest())

        return hashed

    def sealer(self, *context: str) -> Change:
        """Return what encrypts texts: AES-256-GCM, another key for each context.

        A GCM nonce must never come twice under one key. So every sealer has a key of its own, derived by a random salt
        that travels with the text, and counts.
        """
        id_ = self.ids[0]
        salt = os.urandom(SALT)
        cipher = _cipher(_derived(self._by_id[id_], "encrypt", *context, salt=salt))
        numbers, head = itertools.count(), f"{CIPHER}{id_}:"

        def sealed(text: str) -> str:
            number = next(numbers).to_bytes(COUNT, "big")
            return head + _spelt(salt + number + cipher.encrypt(_nonce(number), _bytes(text), head.encode()))

        return sealed

    def opener(self, *context: str) -> Change:
        """Return what decrypts the texts of a sealer with the same context; what is no ciphertext stays as it is.

        Raises (when it is called)
        --------------------------
        Unusable
            If the key of a text is not here.
        InvalidInput
            If a text was changed, or comes from elsewhere.
        """
        ciphers: dict[tuple[str, bytes], _Cipher] = {}

        def opened(text: str) -> str:
            if not text.startswith(CIPHER):
                return text
            id_, _, body = text.removeprefix(CIPHER).partition(":")
            if id_ not in self._by_id:
                raise Unusable(
                    f"a value was encrypted with key {id_}, which is not here (there is {', '.join(self.ids)}); add "
                    "it behind the others in SETPOINT_KEY or in the key file"
                )
            try:
                raw = urlsafe_b64decode(body + "=" * (-len(body) % 4))
            except NotBase64:
                raw = b""
            salt, number, rest = raw[:SALT], raw[SALT : SALT + COUNT], raw[SALT + COUNT :]
            if len(rest) < TAG:
                raise _damaged(context)
            cipher = ciphers.get((id_, salt))
            if cipher is None:
                derived = _derived(self._by_id[id_], "encrypt", *context, salt=salt)
                cipher = ciphers[id_, salt] = _cipher(derived)
            try:
                plain = cipher.decrypt(_nonce(number), rest, f"{CIPHER}{id_}:".encode())
            except Exception as e:  # InvalidTag, of a library that may not be there
                raise _damaged(context) from e
            return plain.decode("utf-8", "surrogatepass")

        return opened


class _Cipher(Protocol):
    """The two calls of AESGCM that are used here."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


def keys_of(text: str) -> Keys:
    """Return the keys in a text, parted by commas or white space.

    Raises
    ------
    InvalidInput
        If one of them is no key; the text says which one, and nothing of it.
    """
    parts = text.replace(",", " ").split()
    return Keys([_key(part, place) for place, part in enumerate(parts, 1)])


def new_key() -> str:
    """Return a new key as it is written."""
    return os.urandom(SIZE).hex()


def key_id(key: bytes) -> str:
    """Return what tells a key from others."""
    return hashlib.blake2b(b"", digest_size=4, key=key, person=b"setpoint key id").hexdigest()


def _key(text: str, place: int) -> bytes:
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        raw = b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != SIZE:
        raise InvalidInput(f"key {place} is no key (it has {len(text)} characters); {SPELT}")
    return raw


def _derived(key: bytes, *context: str, salt: bytes = b"") -> bytes:
    """Return a key for one purpose alone; JSON keeps the parts of the context apart."""
    message = msgspec.json.encode(context)
    return hashlib.blake2b(message, digest_size=SIZE, key=key, salt=salt, person=b"setpoint key v1").digest()


def _cipher(key: bytes) -> _Cipher:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as e:
        raise Unusable("`sensitive: encrypt` needs cryptography: pip install 'setpoint[encrypt]'") from e
    return AESGCM(key)


def _nonce(number: bytes) -> bytes:
    return number.rjust(12, b"\0")


def _damaged(context: tuple[str, ...]) -> InvalidInput:
    return InvalidInput(
        f"a ciphertext of {' '.join(context)} cannot be opened: it was changed, or comes from elsewhere"
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spelt(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
