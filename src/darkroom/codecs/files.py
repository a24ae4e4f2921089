"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from darkroom.errors import OutputError


def write_atomically(path: Path | str, data: bytes) -> None:
    """Write ``data`` to ``path`` so that at every instant the file there is the old one or the new one, whole.

    The bytes go to a temporary file in the same folder, are forced to the disk and renamed. A file that is replaced
    passes its permissions on. Raises OutputError.
    """
    target = Path(path)
    temporary: str | None = None
    try:
        # A link is followed, so that what it points at is replaced and not the link.
        final = target.resolve()
        handle, temporary = tempfile.mkstemp(prefix=f".{final.name[:100]}.", suffix=".part", dir=final.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, final.stat().st_mode & 0o777 if final.exists() else 0o666 & ~_umask())
        os.replace(temporary, final)
        temporary = None
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror or error}.",
            cure="Check that the folder exists, is writable and has space left.",
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _umask() -> int:
    """The file mode mask of this process; the system has no way to read it but to set it."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("Umask:")[2].split()[0], 8)
    except (OSError, ValueError, IndexError):
        return 0o022
