"""Reads a secret from the file that holds it, and reads it again after it was replaced.

Tools that rotate passwords replace the file, and end the old password some time later. So whoever
makes a connection asks for the secret as the file holds it now, and no restart is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self


class FileSecret(str):
    """The text of a secret, which remembers the file that it is from.

    Attributes:
        file: The path of the file.
    """

    __slots__ = ("file",)

    file: str

    @classmethod
    def read(cls, file: str) -> Self:
        """Read the file. The line break at its end is cut off.

        Raises:
            OSError, UnicodeDecodeError: The file cannot be read, or is not UTF-8.
        """
        secret = cls(Path(file).read_text(encoding="utf-8").rstrip("\r\n"))
        secret.file = file
        return secret
