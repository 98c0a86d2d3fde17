#!/usr/bin/env python3
"""Puts source files together in translation units, so that what their headers make is compiled once a unit.

    cmake/units.py OUTPUT_DIR NAME LINES source.cc...

Writes OUTPUT_DIR/NAME_1.cc and on, each of which includes sources of about LINES lines together, removes those of before that are of no
use any more, and prints the paths. A file whose own names (in an unnamed namespace, or macros) another one says, as names of its own or as
what a header declares, goes to another unit; a file that none has room for begins one. So a new file finds its place by itself.
"""
import functools
import pathlib
import re
import sys

# What stands at a line's beginning in an unnamed namespace, as the formatter lays it out, and declares a name.
DECLARED = re.compile(r"(\w+)(?=\(|\[| = |\{|;| : )|(?:enum class|enum|class|struct) (\w+)|using (\w+) =")
NO_CODE = re.compile(r'//[^\n]*|"(?:[^"\\\n]|\\.)*"')
MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
ALIAS = re.compile(r"^using (\w+) =", re.MULTILINE)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
OF_HEADER = re.compile(r"^\s*(?:enum class|enum|class|struct|using) (\w+)", re.MULTILINE)


@functools.lru_cache(maxsize=None)
def header(name):
    """The types that a header of the project declares, and the headers that it includes."""
    for root in (".", "include"):
        path = pathlib.Path(root, name)
        if path.exists():
            text = path.read_text()
            return frozenset(OF_HEADER.findall(text)), tuple(INCLUDE.findall(text))
    return frozenset(), ()


def types_of_headers(text):
    seen, rest, types = set(), INCLUDE.findall(text), set()
    while rest:
        name = rest.pop()
        if name not in seen:
            seen.add(name)
            declared, more = header(name)
            types |= declared
            rest.extend(more)
    return types


def own_names(text):
    names = set(MACRO.findall(text)) | set(ALIAS.findall(text))
    unnamed = False
    for line in text.splitlines():
        if line == "namespace {":
            unnamed = True
        elif line.startswith("}  // namespace") and not line.startswith("}  // namespace "):
            unnamed = False
        elif unnamed and line[:1].isalpha() and not re.match(r"(TEST|TEST_F|TEST_P|INSTANTIATE_\w+)\(", line):
            names.update(name for pair in DECLARED.findall(line) for name in pair if name)
    return names


def units_of(sources, lines):
    units = []  # [paths, their own names, all words in them, lines]
    for source in sources:
        text = pathlib.Path(source).read_text()
        names, words, length = own_names(text), set(re.findall(r"\w+", NO_CODE.sub(" ", text))) | types_of_headers(text), text.count("\n")
        for unit in units:
            if unit[3] + length <= lines and not names & unit[2] and not words & unit[1]:
                unit[0].append(source)
                unit[1].update(names)
                unit[2].update(words)
                unit[3] += length
                break
        else:
            units.append([[source], names, words, length])
    return [unit[0] for unit in units]


def main():
    directory, name, lines, *sources = sys.argv[1:]
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    written = set()
    for i, unit in enumerate(units_of(sorted(sources), int(lines)), 1):
        path = directory / f"{name}_{i}.cc"
        text = "".join(f'#include "{source}"\n' for source in unit)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        written.add(path)
        print(path)
    for path in directory.glob(f"{name}_[0-9]*.cc"):
        if path not in written:
            path.unlink()


if __name__ == "__main__":
    main()
