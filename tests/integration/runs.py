"""A whole run of one area of the suites, as its user starts it, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Run"]


class Run:
    """One run, ended, with its output, exit code, folder and results."""

    area = ""
    """The folder below suites/ whose tests are run; all of them when empty."""
    within = 120.0
    """Seconds it may take."""

    def __init__(
        self,
        profile: Path,
        folder: Path,
        *options: str,
        before: tuple[str, ...] = (),
        python: str = sys.executable,
        mode: str = "audit",
        **env: str,
    ) -> None:
        """Run the area against a profile.

        Args:
            profile: its file.
            folder: where the run's reports go, in a folder of their own.
            options: more of pytest and Seatrial.
            before: words that the command stands behind: ``setpriv --reuid=…``.
            python: the interpreter.
            mode: audit, gate or drill.
            env: more of the environment.
        """
        reports = folder / f"reports-{len(list(folder.iterdir()))}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))} | env
        # Hundreds of runs, none of which needs our tests' other plugins: loading them is a third of what a run costs.
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        command = [*before, python, "-m", "pytest", f"suites/{self.area}", "-p", "no:cacheprovider"]
        command += ["-p", "seatrial.plugin"]
        done = subprocess.run(
            [*command, f"--profile={profile}", f"--mode={mode}", f"--report-dir={reports}", *options],
            cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, timeout=self.within, check=False,
        )  # fmt: skip
        self.text, self.code = done.stdout + done.stderr, done.returncode
        found = list(reports.glob("*/conformance.json"))
        assert found, self.text
        self.folder = found[0].parent
        self.report: dict[str, Any] = json.loads(found[0].read_text())
        self.results: list[dict[str, Any]] = self.report["results"]

    def ids(self, *outcomes: str) -> list[str]:
        """Of the requirements with one of these outcomes, each once."""
        return sorted({one["id"] for one in self.results if one["outcome"] in outcomes})

    def told(self) -> dict[tuple[str, str], tuple[str, str]]:
        """What every instance came to."""
        return {(r["id"], r["subject"]): (r["outcome"], f"{r['seen'] or r['reason']}") for r in self.results}
