"""On which machine was it measured?"""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor() -> str:
    """What the machine calls its processor, and how many cores it has."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    found = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{found}, {os.cpu_count()} cores"
