#!/usr/bin/env python3
"""Follows how-tos: writes the files that their blocks write and edit, and says how many lines that were.

    tests/how_to/follow.py docs/how_to_add_an_interaction.md... SOURCE_DIR OUTPUT_DIR

A block follows a line `path`, new: or `path`, after `line`: or `path`, before `line`:, where the line stands once in the file. OUTPUT_DIR
gets the files that were touched, and no other; files that are as wanted already are left alone.
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"^`(?P<path>[^`\n]+)`, (?:new|(?P<where>after|before) `(?P<anchor>[^`\n]+)`):\n\n```\w+\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)


def follow(how_to, source, texts, added):
    """Adds to the touched files' texts by path, and to the lines added to each."""
    page = how_to.read_text()
    steps = 0
    for block in BLOCK.finditer(page):
        steps += 1
        path, where, anchor, text = block.group("path", "where", "anchor", "text")
        line = page.count("\n", 0, block.start()) + 1
        if where is None:
            if path in texts or (source / path).exists():
                sys.exit(f"{how_to}:{line}: {path} is there already; a new file is written once")
            texts[path] = text
        else:
            lines = (texts[path] if path in texts else (source / path).read_text()).splitlines(keepends=True)
            places = [i for i, candidate in enumerate(lines) if candidate.rstrip("\n") == anchor]
            if len(places) != 1:
                sys.exit(f"{how_to}:{line}: {path} has {len(places)} lines '{anchor}', where the page needs one")
            place = places[0] + (where == "after")
            texts[path] = "".join(lines[:place]) + text + "".join(lines[place:])
        added[path] = added.get(path, 0) + text.count("\n")
    if steps == 0:
        sys.exit(f"{how_to}: no step that can be followed")


def main():
    *pages, source, output = map(pathlib.Path, sys.argv[1:])
    texts, added = {}, {}
    for page in pages:
        follow(page, source, texts, added)
    for path, text in texts.items():
        target = output / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
        print(f"{added[path]:5} lines  {path}{'' if (source / path).exists() else ' (new)'}")
    print(f"{sum(added.values()):5} lines in {len(added)} files")


if __name__ == "__main__":
    main()
