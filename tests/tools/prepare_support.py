"""Helpers of the tests of tools/prepare_*.py: runs a script on a made-up folder and reads what it wrote."""
from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The real logs, where somebody has them; read in place.
REAL_DATA = os.environ.get("TANDEM_DATA_DIR", os.path.join(ROOT, "..", "shared", "data"))


def read_rows(path: str) -> list[dict[str, str]]:
    """The rows of a .tsv.gz by column name."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    for line in lines[1:]:
        assert len(line) == len(lines[0]), f"{path}: {line}"
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def read_bytes(directory: str) -> dict[str, bytes]:
    """Every file of a folder."""
    contents = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            contents[name] = file.read()
    return contents


class PrepareTest(unittest.TestCase):
    """A fresh folder a test: self.input for made-up members, self.output for the script."""

    script = ""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.input = os.path.join(self.folder, "input")
        self.output = os.path.join(self.folder, "output")
        os.mkdir(self.input)

    def write(self, name: str, text: str, encoding: str = "latin-1") -> None:
        """A member; gzipped if the name ends with .gz."""
        opener = gzip.open if name.endswith(".gz") else open
        with opener(os.path.join(self.input, name), "wb") as file:
            file.write(text.encode(encoding))

    def run_script(self, *extra: str, source: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, os.path.join(ROOT, "tools", self.script)]
        command += [f"--input={source or self.input}", f"--output={self.output}", *extra]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def prepare(self, *extra: str, source: str | None = None) -> dict:
        """Runs the script, which must succeed; its summary."""
        done = self.run_script(*extra, source=source)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_fails(self, *expected: str) -> None:
        """The script must stop with exit code 3, say `expected`, and leave no output."""
        done = self.run_script()
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        for text in expected:
            self.assertIn(text, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(os.listdir(self.output) if os.path.exists(self.output) else [], [])

    def real(self, name: str) -> str:
        """The folder of a real log; skips the test where there is none."""
        path = os.path.join(REAL_DATA, name)
        if not os.path.isdir(path):
            self.skipTest(f"no {path}; set TANDEM_DATA_DIR")
        return path

    def rows(self, name: str) -> list[dict[str, str]]:
        return read_rows(os.path.join(self.output, name))

    def count_rows(self) -> int:
        return sum(len(self.rows(name)) for name in os.listdir(self.output))
