"""Compiles the native kernel beside its source when a compiler is there; without one the package is whole all the same.

Silent either way: NumPy gives the same numbers. CC names another compiler.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "src/ketapath/pharmacology/solver"
# No fused multiply-add and no reordering: the result has to be NumPy's to the last bit.
FLAGS = ("-O3", "-ffp-contract=off", "-fno-fast-math", "-fPIC", "-shared", "-fvisibility=hidden", "-w")


class KernelHook(BuildHookInterface[Any]):
    """Runs before every wheel, an editable one too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile in place, and let a wheel that holds a library say for which machines it is."""
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / PLACE
        if compiled(folder / "kernel.c", folder / "kernel.so"):
            build_data["artifacts"].append(f"{PLACE}/kernel.so")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compiled(source: Path, library: Path) -> bool:
    """Whether the library now stands there, made from this source; an older one never stays."""
    unfinished = library.with_suffix(".part")
    try:
        library.unlink(missing_ok=True)
        for compiler in (os.environ.get("CC"), "cc", "gcc", "clang"):
            command = shlex.split(compiler or "")
            if not command or shutil.which(command[0]) is None:
                continue
            command += [*FLAGS, "-o", str(unfinished), str(source)]
            done = subprocess.run(command, capture_output=True, timeout=120, check=False)
            if done.returncode == 0 and unfinished.is_file():
                unfinished.replace(library)
                return True
            if os.environ.get("CC"):
                break  # the one that was asked for, or none
    except (OSError, ValueError, subprocess.TimeoutExpired):
        pass
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return False
