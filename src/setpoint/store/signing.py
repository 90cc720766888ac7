"""Ed25519 signatures of bundles: the key of this home, and whose signatures are asked for.

Imported by serving workers; cryptography is imported where a signature is made or verified.
"""

import hashlib
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from setpoint.domain.value import replace
from setpoint.domain.version import Seal
from setpoint.errors import Conflict, Corrupt, InvalidInput, Unsafe, Unusable
from setpoint.store.keys import write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY, PUBLIC = "signing.key", "signing.pub"
CONTEXT = b"setpoint bundle 1\n"  # so that a signature is good for a manifest, and for nothing else
PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
Asked = Literal["off", "signed", "trusted"]


class Signing:
    """Signs manifests with the key of a home, and judges who signed others.

    Parameters
    ----------
    home : Path
        Where `signing.key` and `signing.pub` are (PEM), if there are any.
    asked : {"off", "signed", "trusted"}
        Which bundles may be loaded: any, those that somebody signed, those that a trusted key signed.
    trusted : Path, optional
        A file of public keys (PEM), or a folder of such files; by default the key of the home.
    """

    def __init__(self, home: Path, asked: Asked = "off", trusted: Path | None = None) -> None:
        self._key, self.public = home / KEY, home / PUBLIC
        self._asked, self._whose = asked, trusted or self.public

    def make_key(self) -> str:
        """Make the key of this home, and return its id.

        Raises
        ------
        Conflict
            If there is one.
        Unusable
            If the home cannot be written, or cryptography is not installed.
        """
        if self._key.exists():
            raise Conflict(f"{self._key} exists already; versions are signed with it. Move it away to make another")
        private, public = _new_pair()
        try:
            write_private(self._key, private)
            self.public.write_text(public)
        except OSError as e:
            raise Unusable(f"{self._key} cannot be written: {e.strerror}") from e
        return _id(_raw(_private(self._key).public_key()))

    def expect_to_sign(self) -> None:
        """Refuse to make what could not be signed, or would not be served.

        Raises
        ------
        Unusable
            If signatures are asked for, and this home has no key; or if there is one that cannot be used.
        InvalidInput
            If it is none.
        """
        if self._asked != "off":
            self.expect_key(f"SETPOINT_SIGNATURES={self._asked} asks for signed versions, and ")
        if self._key.exists():
            _private(self._key)

    def expect_key(self, because: str = "") -> None:
        """Raise Unusable if this home has no key to sign with."""
        if not self._key.exists():
            raise Unusable(f"{because}there is no {self._key} to sign with; `setpoint versions keygen` makes one")

    def seal(self, manifest: bytes) -> Seal:
        """Return the seal of a manifest, signed if this home has a key."""
        digest = hashlib.sha256(manifest).hexdigest()
        if not self._key.exists():
            return checked(Seal(manifest=digest))
        key = _private(self._key)
        public, signature = _raw(key.public_key()), key.sign(CONTEXT + manifest)
        return checked(Seal(manifest=digest, signer=_id(public), public_key=public.hex(), signature=signature.hex()))

    def judge(self, name: str, manifest: bytes, seal: Seal | None) -> None:
        """Refuse a version that may not be loaded, for want of the signature that is asked for.

        Parameters
        ----------
        name : str
            Of the version, for people.

        Raises
        ------
        Unsafe
            If nobody signed it, or nobody who is trusted.
        Corrupt
            If the signature is not one of the manifest.
        """
        if self._asked == "off":
            return
        if seal is None or not seal.signature:
            raise Unsafe(
                f"{name} is not signed, and SETPOINT_SIGNATURES={self._asked}; if it is yours, sign it: "
                f"`setpoint versions sign {name}`"
            )
        verify(name, manifest, seal)
        if self._asked == "trusted" and bytes.fromhex(seal.public_key) not in self._trusted_keys():
            raise Unsafe(
                f"{name} is signed by {seal.signer}, which is not among the keys trusted, {self._whose} "
                f"(SETPOINT_TRUSTED_KEYS); put its public key there, or sign with one that is: "
                f"`setpoint versions sign {name}`"
            )

    def _trusted_keys(self) -> set[bytes]:
        """Return the raw public keys. They are read each time, so that a key taken away counts no more."""
        named = self._whose
        files = sorted(f for f in named.iterdir() if f.is_file()) if named.is_dir() else [named]
        return {_raw(key) for file in files for key in _public_keys(file)}


def verify(name: str, manifest: bytes, seal: Seal) -> None:
    """Raise Corrupt if the signature of a seal is not one of the manifest."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as e:
        raise _needed() from e
    try:
        public, signature = bytes.fromhex(seal.public_key), bytes.fromhex(seal.signature)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, CONTEXT + manifest)
        good = seal.signer == _id(public)
    except (InvalidSignature, ValueError):
        good = False
    if not good:
        raise Corrupt(f"the signature of {name}, said to be by {seal.signer}, does not fit its manifest")


def checked(seal: Seal) -> Seal:
    """Return the seal with its own check."""
    parts = "\n".join((seal.manifest, seal.signer, seal.public_key, seal.signature))
    check = hashlib.sha256(parts.encode()).hexdigest()
    return replace(seal, check=check)


def _new_pair() -> tuple[str, str]:
    """Return a private and its public key as PEM."""
    try:
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as e:
        raise _needed() from e
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _private(file: Path) -> "Ed25519PrivateKey":
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as e:
        raise _needed() from e
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise Unusable(f"{file} can be read by others (mode {mode:o}): chmod 600 {file}")
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError):
        key = None
    except OSError as e:
        raise Unusable(f"{file} cannot be read: {e.strerror}") from e
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"{file} is no Ed25519 key (PEM, without a password); `setpoint versions keygen` makes one")
    return key


def _public_keys(file: Path) -> "list[Ed25519PublicKey]":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = PEM.findall(file.read_bytes())
    except OSError as e:
        raise Unusable(f"{file} cannot be read: {e.strerror} (SETPOINT_TRUSTED_KEYS)") from e
    try:
        keys = [load_pem_public_key(text) for text in found]
    except ValueError as e:
        raise InvalidInput(f"{file} holds a damaged public key: {e}") from e
    return [key for key in keys if isinstance(key, Ed25519PublicKey)]


def _raw(key: "Ed25519PublicKey") -> bytes:
    return key.public_bytes_raw()


def _id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]


def _needed() -> Unusable:
    return Unusable("signatures need cryptography: pip install 'setpoint[sign]'")
