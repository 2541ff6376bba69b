"""How many faults in alert rules are found, and how many false alarms there are: ours beside promtool's and pint's, in one run.

    python benchmarks/faults.py [--verbose] [--keep FOLDER]

Two hundred rules, each wrong in one way of twenty-five, and as many that are right, beside a running Prometheus with an hour of
history. A rule counts as found when something that is told names it. pint is run when it is on PATH.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from _rules import KINDS, Written, corpus, metrics, text  # noqa: E402

from tests.lab.watch import Watch, watch  # noqa: E402

NOBODY = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
Told = dict[str, set[str]]
"""By rule, what was told of it."""


def promtool(folder: Path) -> Told:
    """What promtool's strictest lint tells; it names rules by line or by name."""
    told: Told = {}
    for file in ("wrong.yaml", "right.yaml"):
        done = subprocess.run(
            ["promtool", "check", "rules", "--lint=all", folder / file],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for line in (done.stdout + done.stderr).splitlines():
            for name in re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", line):
                told.setdefault(name, set()).add(line.strip())
    return told


def pint(folder: Path, url: str) -> Told | None:
    """What pint tells with the running Prometheus at hand; None when there is no pint."""
    program = shutil.which("pint")
    if program is None:
        return None
    (folder / ".pint.hcl").write_text(f'prometheus "watch" {{\n  uri = "{url}"\n  timeout = "30s"\n}}\n')
    told: Told = {}
    for file in ("wrong.yaml", "right.yaml"):
        lines = (folder / file).read_text().splitlines()
        done = subprocess.run(
            [program, "--no-color", "lint", "--min-severity=info", file],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        for number in re.findall(rf"{re.escape(file)}:(\d+)", done.stdout + done.stderr):
            above = [line for line in lines[: int(number)] if "- alert: " in line]
            if above:
                told.setdefault(above[-1].partition("alert: ")[2], set()).add(number)
    return told


def ours(up: Watch, folder: Path) -> tuple[Told, Told]:
    """What the suite tells in one run, and what of it are violations."""
    reports = folder / "reports"
    # Only these files: the rest of the profile is not what is compared.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites/alerts", "-q", "-p", "no:cacheprovider", f"--profile={up.profile(alertmanager=None)}", f"--report-dir={reports}"],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    found = list(reports.glob("*/conformance.json"))
    if not found:
        raise SystemExit(done.stdout + done.stderr)
    told: Told = {}
    violated: Told = {}
    for result in json.loads(found[0].read_text())["results"]:
        if result["outcome"] in ("violation", "advisory"):
            seen = result["seen"]
            for line in seen if isinstance(seen, list) else str(seen).splitlines():
                for name in set(re.findall(r"\b(?:wrong|right)/([A-Z]\w+)|\balerts\.([A-Z]\w+)", str(line))):
                    told.setdefault("".join(name), set()).add(f"{result['id']} {line}")
                    if result["outcome"] == "violation":
                        violated.setdefault("".join(name), set()).add(f"{result['id']} {line}")
        elif result["outcome"] == "error":
            print(f"undecided {result['id']} {result['subject']}: {str(result['seen'] or result['reason'])[:300]}")
    return told, violated


def table(wrong: list[Written], right: list[Written], by: dict[str, Told]) -> str:
    """Found of each kind, and false alarms."""
    names = {kind: sorted({rule.name for rule in wrong if rule.kind == kind}) for kind in KINDS}
    rows = [["", "rules", *by]]
    rows += [
        [kind, str(len(names[kind])), *(str(sum(name in told for name in names[kind])) for told in by.values())]
        for kind in KINDS
    ]
    every = {rule.name for rule in wrong}
    rows.append(["wrong rules found", str(len(every)), *(str(len(every & set(told))) for told in by.values())])
    kinds = [str(sum(all(name in told for name in names[kind]) for kind in KINDS)) for told in by.values()]
    rows.append(["kinds found, every one of them", str(len(KINDS)), *kinds])
    good = {rule.name for rule in right}
    rows.append(["right rules, false alarms", str(len(good)), *(str(len(good & set(told))) for told in by.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verbose", action="store_true", help="print what was missed, and each false alarm")
    parser.add_argument("--keep", type=Path, help="keep the rules and the report in this folder")
    given = parser.parse_args()
    wrong, right = corpus()
    folder = given.keep or Path(tempfile.mkdtemp())
    now = f"{time.time() - 3600:.0f} +1"
    files = {"wrong.yaml": text("wrong", wrong), "right.yaml": text("right", right)}
    with watch(
        folder / "watch", files, metrics(gone=True).replace("NOW", now), alertmanager=NOBODY, history=3600
    ) as up:
        up.exporter.expose(metrics().replace("NOW", now))
        up.scraped(5)
        by: dict[str, Told] = {}
        began = time.perf_counter()
        by["promtool"] = promtool(up.folder)
        print(f"promtool: {time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        told = pint(up.folder, up.prometheus)
        print("pint: not on PATH" if told is None else f"pint: {time.perf_counter() - began:.1f} s")
        by |= {} if told is None else {"pint": told}
        began = time.perf_counter()
        by["seatrial"], by["by a MUST"] = ours(up, folder)
        print(f"seatrial: {time.perf_counter() - began:.1f} s")
    print(table(wrong, right, by))
    told = by["seatrial"]
    ids = Counter(line.split()[0] for lines in told.values() for line in lines)
    print("told by", ", ".join(f"{id} {count}" for id, count in sorted(ids.items())))
    if given.verbose:
        for rule in right:
            for line in sorted(told.get(rule.name, ())):
                print(f"FALSE {rule.name}: {line[:400]}")
        for rule in wrong:
            if rule.name not in told:
                print(f"MISSED {rule.kind}: {rule.name}: {rule.expr}")
    if given.keep is None:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
