"""How long does what a clinician waits for take? Whole commands, start-up included; `make bench` prints the table."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORDS = ROOT.parent / "shared" / "data" / "synthea"
ON = ("--on", "2026-04-20")
RUNS = 7


def commands() -> dict[str, list[str]]:
    """The commands by name; whole records only where their folder is present."""
    patient = str(ROOT / "examples" / "patients" / "treatment-resistant-depression.json")
    dose = "--product racemic --route iv --dose-mg 35 --infusion-min 40 --weight-kg 70 --times-min 10,40,80"
    found = {
        "nothing but Python": ["-c", "pass"],
        "plan, example patient": ["-m", "ketapath", "plan", patient, "--on", "2026-11-24"],
        "simulate, 1000 draws": ["-m", "ketapath", "simulate", *dose.split()],
        "knowledge check": ["-m", "ketapath", "knowledge", "check"],
    }
    for file in sorted(RECORDS.glob("*.json.gz")):
        found[f"plan, {file.name}"] = ["-m", "ketapath", "plan", str(file), *ON]
    return found


def main() -> None:
    """Print minimum, median and maximum of each command in seconds."""
    print(f"{'command':34} {'min':>7} {'median':>7} {'max':>7}  (s, {RUNS} runs)")
    for name, arguments in commands().items():
        times = []
        for _ in range(RUNS):
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times.append(time.perf_counter() - started)
        print(f"{name:34} {min(times):7.2f} {statistics.median(times):7.2f} {max(times):7.2f}")


if __name__ == "__main__":
    main()
