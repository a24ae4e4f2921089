"""Print the OpenAPI document of the service, the same bytes every time: ``scripts/openapi.py > docs/openapi.json``.

The TypeScript client's types are made from it. It has the codes of all errors too, as ``x-error-codes``.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def document() -> dict[str, Any]:
    """The document as the application gives it, and the codes of errors that an answer or a job may have."""
    from darkroom.errors import DarkroomError
    from darkroom.server.app import create_app
    from darkroom.settings import Settings

    def below(kind: type[DarkroomError]) -> list[type[DarkroomError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    # Not what this machine's settings say: the document is the same everywhere.
    found = create_app(Settings()).openapi()
    return {**found, "x-error-codes": sorted({kind.code for kind in below(DarkroomError)})}


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
