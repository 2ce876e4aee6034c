"""How long does what a clinician waits for take? Whole commands, start-up included; `make bench` prints the table."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import bench_page
from tests.browser.house import House, Visitor

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


def pages(folder: Path) -> dict[str, list[float]]:
    """The pages of a demonstration clinic that staff wait for, from request to the last byte; and its two starts."""
    found: dict[str, list[float]] = {"first start, with loading": [], "second start": []}
    house = House(folder=folder)
    for name in found:
        started = time.perf_counter()
        house.start()
        found[name].append(time.perf_counter() - started)
        if name != "second start":
            house.stop()
    visitor = Visitor(house).sign_in("prescriber")
    someone = "/patients/first-language-arabic"
    for path in ("/today", "/patients", someone, f"{someone}/plan", "/patients/ptsd-with-depression/session"):
        for run in range(RUNS + 1):
            started = time.perf_counter()
            visitor.get(path)
            name = f"GET {path.replace(someone, '/patients/ID').replace('ptsd-with-depression', 'ID')}"
            found.setdefault(f"{name}, first" if run == 0 else name, []).append(time.perf_counter() - started)
    form = f"{someone}/fact"
    page = visitor.get(f"{form}?path=vitals.height_cm")
    for run in range(RUNS):
        fields = {"path": "vitals.height_cm", "said": str(160 + run), "reason": "", "key": f"k{run}"}
        started = time.perf_counter()
        visitor.post(form, fields, page=page)
        found.setdefault("save a fact and see the page anew", []).append(time.perf_counter() - started)
    house.stop()
    return found


def main() -> None:
    """Print minimum, median and maximum of each command and page in seconds."""
    print(f"{'command':44} {'min':>7} {'median':>7} {'max':>7}  (s, {RUNS} runs)")
    for name, arguments in commands().items():
        times = []
        for _ in range(RUNS):
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times.append(time.perf_counter() - started)
        _row(name, times)
    with tempfile.TemporaryDirectory() as place:
        for name, times in pages(Path(place)).items():
            _row(name, times)
    bench_page.main()


def _row(name: str, times: list[float]) -> None:
    print(f"{name:44} {min(times):7.2f} {statistics.median(times):7.2f} {max(times):7.2f}")


if __name__ == "__main__":
    main()
