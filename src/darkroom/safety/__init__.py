"""What is asked of an upload before anything opens it: is it what it says, can it do harm, does the scanner know it."""

from __future__ import annotations

from darkroom.safety.scanning import Scanner, Verdict, admit
from darkroom.safety.validation import Accepted, check_upload, safe_name

__all__ = ["Accepted", "Scanner", "Verdict", "admit", "check_upload", "safe_name"]
