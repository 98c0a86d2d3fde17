"""What the prepare_*.py scripts share: reading members plain or gzipped, and writing daily .tsv.gz files all or nothing.

    rows = {"1997-11-13": ["1\\t42\\t...", ...]}
    write_files("movielens", "label\\tuser\\t...", {f"{day}.tsv.gz": lines for day, lines in rows.items()})

A fault of the input is a PrepareError whose text says where; run() turns it into a line on stderr and exit code 3.
Equal inputs give equal bytes: no time or name goes into a gzip header. Standard library only.
"""
from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import sys
import zlib
from typing import Callable, Iterable, Iterator, Mapping, NamedTuple, Sequence


class PrepareError(Exception):
    """A fault of the input or the output folder, in one line: what, where, the likely fix."""


class Line(NamedTuple):
    """A line of a member without its line end; `where` is "file:number" for messages."""

    where: str
    text: str


def find_member(directory: str, name: str) -> str | None:
    """The path of `name` or `name.gz` in `directory`, or None."""
    for candidate in (name, name + ".gz"):
        path = os.path.join(directory, candidate)
        if os.path.isfile(path):
            return path
    return None


def member_path(directory: str, name: str) -> str:
    """The same, or a PrepareError that names what is missing."""
    path = find_member(directory, name)
    if path is None:
        raise PrepareError(f"{directory}: neither {name} nor {name}.gz is there")
    return path


def read_lines(path: str, encoding: str) -> Iterator[Line]:
    """The lines of a file, gunzipped if its first bytes say so. Blank lines are skipped, CRLF is a line end."""
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            binary = gzip.GzipFile(fileobj=raw) if packed else raw
            text = io.TextIOWrapper(io.BufferedReader(binary), encoding=encoding, newline="\n")
            for number, line in enumerate(text, 1):
                line = line.rstrip("\r\n")
                if line:
                    yield Line(f"{path}:{number}", line)
    except UnicodeDecodeError as error:
        raise PrepareError(f"{path}: not {encoding}: {error.reason} at byte {error.start}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise PrepareError(f"{path}: can't be read: {error}") from error


def split_columns(line: Line, separator: str, count: int) -> list[str]:
    """The columns of a line, exactly `count` of them."""
    columns = line.text.split(separator)
    if len(columns) != count:
        raise PrepareError(f"{line.where}: {len(columns)} columns where {count} are expected")
    return columns


def parse_int(line: Line, what: str, text: str, low: int, high: int) -> int:
    """A decimal integer in [low, high]."""
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
        raise PrepareError(f"{line.where}: {what} '{text}' is not an integer from {low} to {high}")
    return int(text)


def cell(line: Line, what: str, text: str, forbidden: str = "\t\r\n") -> str:
    """A text that can stand in a TSV cell."""
    if any(mark in text for mark in forbidden):
        raise PrepareError(f"{line.where}: {what} '{text!r}' holds a separator")
    return text


def write_gzip(path: str, lines: Iterable[str]) -> None:
    """Writes lines, each with a line feed, as one gzip member without a time or a name."""
    with open(path, "wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed:
            for line in lines:
                packed.write(line.encode("utf-8") + b"\n")
        raw.flush()
        os.fsync(raw.fileno())


def refuse_strangers(output: str, names: Iterable[str]) -> None:
    """Files of another preparation in the folder would be taken for days of this one."""
    strangers = sorted(name for name in os.listdir(output) if name.endswith(".tsv.gz") and name not in set(names))
    if strangers:
        raise PrepareError(f"{output}: holds {strangers[0]}, which this run doesn't write; give an empty folder")


def write_files(output: str, header: str, files: Mapping[str, Sequence[str]]) -> None:
    """Writes `files` (name -> lines) into `output`, each below `header`: all written aside first, then renamed."""
    try:
        os.makedirs(output, exist_ok=True)
        refuse_strangers(output, files)
        aside = os.path.join(output, f"tmp-{os.getpid()}")
        os.mkdir(aside)
        try:
            for name, lines in files.items():
                write_gzip(os.path.join(aside, name), [header, *lines])
            for name in files:
                os.replace(os.path.join(aside, name), os.path.join(output, name))
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise PrepareError(f"{output}: can't be written: {error}") from error


def print_summary(**values: object) -> None:
    """One JSON object on stdout."""
    print(json.dumps(values))


def run(main: Callable[[], None]) -> None:
    """Runs a script's main; a PrepareError becomes a line on stderr and exit code 3."""
    try:
        main()
    except PrepareError as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
        sys.exit(3)
