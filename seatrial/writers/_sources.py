"""What a requirement refers to, as links: URLs as they stand, and what has one well-known page."""

from __future__ import annotations

import re

__all__ = ["link"]

_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:)]")
_RFC = re.compile(r"\bRFC (\d{1,5})(?:,? section (\d+(?:\.\d+)*))?")
_CWE = re.compile(r"\bCWE-(\d+)")


def link(reference: str) -> str:
    """The address of what a reference names; empty where it names a document without one."""
    if found := _URL.search(reference):
        return found[0]
    if found := _RFC.search(reference):
        return f"https://www.rfc-editor.org/rfc/rfc{found[1]}" + (f"#section-{found[2]}" if found[2] else "")
    if found := _CWE.search(reference):
        return f"https://cwe.mitre.org/data/definitions/{found[1]}.html"
    return ""
