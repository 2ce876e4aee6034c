"""How is an archive kept from whoever finds it? AES-256-GCM in pieces, under a key made from a passphrase by scrypt.

Each piece is sealed with its number and with whether it is the last, so that a piece that was changed, moved, left out
or cut off is found (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár 2015). The head of the file is
sealed with every piece.
"""

from __future__ import annotations

import io
import os
import secrets
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ketapath.errors import BadInput

MAGIC = b"ketapath backup 1\n"
PIECE = 64 * 1024
TAG = 16
_SALT, _PREFIX = 16, 7
HEAD = len(MAGIC) + _SALT + _PREFIX
COST = 2**15  # 32 MiB and about a tenth of a second a guess
SHORTEST = 12


def is_sealed(file: IO[bytes]) -> bool:
    """Whether the file begins as one of ours that is encrypted; the place in it does not change."""
    place = file.tell()
    file.seek(0)
    found = file.read(len(MAGIC))
    file.seek(place)
    return found == MAGIC


def check_passphrase(passphrase: str) -> None:
    """Raises BadInput for one that could be guessed."""
    if len(passphrase) < SHORTEST:
        raise BadInput(
            field="--passphrase-file", found=f"{len(passphrase)} characters", limit=f"at least {SHORTEST}",
            next_step="Write a longer passphrase into the file, and keep it apart from the backups.",
        )  # fmt: skip


class Sealing(io.RawIOBase):
    """A file to write into; what reaches the disk is sealed. `close` writes the last piece and leaves the file open."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        super().__init__()
        salt, prefix = secrets.token_bytes(_SALT), secrets.token_bytes(_PREFIX)
        self._file, self._head, self._prefix = file, MAGIC + salt + prefix, prefix
        self._key, self._waiting, self._number = AESGCM(_key(passphrase, salt)), bytearray(), 0
        file.write(self._head)

    def writable(self) -> bool:
        """It is there to be written into."""
        return True

    def write(self, data: object) -> int:
        """Take these bytes; whole pieces go out."""
        view = memoryview(data)  # type: ignore[arg-type]
        self._waiting += view
        while len(self._waiting) > PIECE:  # the last piece is never sent before its end is known
            self._send(bytes(self._waiting[:PIECE]), is_last=False)
            del self._waiting[:PIECE]
        return view.nbytes

    def close(self) -> None:
        """The last piece."""
        if not self.closed:
            self._send(bytes(self._waiting), is_last=True)
            self._waiting.clear()
        super().close()

    def _send(self, piece: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, is_last=is_last)
        self._file.write(self._key.encrypt(nonce, piece, self._head))
        self._number += 1


class Opened(io.RawIOBase):
    """A sealed file to read from, at any place. Raises BadInput for a wrong passphrase and for damage."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        super().__init__()
        file.seek(0)
        self._head = file.read(HEAD)
        salt = self._head[len(MAGIC) : len(MAGIC) + _SALT]
        self._file, self._prefix, self._at = file, self._head[-_PREFIX:], 0
        self._key = AESGCM(_key(passphrase, salt))
        sealed = file.seek(0, os.SEEK_END) - HEAD
        self._pieces = max(1, -(-sealed // (PIECE + TAG)))
        self._size = max(0, sealed - self._pieces * TAG)
        self._held: tuple[int, bytes] = (-1, b"")
        self._piece(0)

    def readable(self) -> bool:
        """It is there to be read from."""
        return True

    def seekable(self) -> bool:
        """At any place."""
        return True

    def tell(self) -> int:
        """The place in what was sealed."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place of it."""
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        """The next bytes, at most to the end of a piece."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self._at >= self._size:
            return 0
        number, within = divmod(self._at, PIECE)
        found = self._piece(number)[within : within + len(view)]
        view[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _piece(self, number: int) -> bytes:
        if self._held[0] != number:
            self._file.seek(HEAD + number * (PIECE + TAG))
            nonce = _nonce(self._prefix, number, is_last=number == self._pieces - 1)
            try:
                opened = self._key.decrypt(nonce, self._file.read(PIECE + TAG), self._head)
            except (InvalidTag, ValueError) as problem:
                raise _not_opened(number) from problem
            self._held = number, opened
        return self._held[1]


def _not_opened(number: int) -> BadInput:
    if number == 0:
        return BadInput(
            field="backup", found="a seal that does not open", limit="the passphrase it was made with, and no damage",
            next_step="Look at --passphrase-file; if it is right, the file is damaged: take another backup.",
        )  # fmt: skip
    return BadInput(
        field="backup", found=f"damage in piece {number}", limit="a file as it was written",
        next_step="Take another backup, or another copy of this one. Nothing was restored.",
    )  # fmt: skip


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=COST, r=8, p=1).derive(passphrase.encode())


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])
