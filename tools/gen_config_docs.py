#!/usr/bin/env python3
"""Writes docs/config.md, the reference of every field of the configuration, from src/config/experiment.proto.

    tools/gen_config_docs.py            writes docs/config.md
    tools/gen_config_docs.py --check    exits 1, with the difference, unless docs/config.md is up to date

Reads the manner of proto that the file is written in: one field a line, a comment above it or behind it. Indented lines of a message's
comment are an example; a line like "// -- Where" within a message heads the fields below it.
"""
import argparse
import difflib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROTO = ROOT / "src/config/experiment.proto"
DOCS = ROOT / "docs/config.md"

INTRODUCTION = r"""# Configuration reference

```
tandem train --config=configs/movielens.pbtxt,configs/teacher/deepfm.pbtxt --run_dir=run --end_date=2000-12-01 train.epochs=2
```

Files in protobuf text format merge in the order given: a singular message merges, a repeated field that a later file sets
replaces the whole, a oneof arm replaces another, and `clear: "model.student.mlp"` takes away what earlier files have set. `key=value`
arguments override both:

| argument | does |
|---|---|
| `train.batch_size=512` | sets a value: a number, `true`/`false`/`1`/`0`, a name such as `LOG1P`, a text |
| `data.delimited.delimiter=\t` | texts have C escapes; a backslash itself is `\\` |
| `model.teacher.mlp.hidden=400,400` | replaces a repeated field; an empty value clears it |
| `embedding.optimizer.adam.lr=0.01` | chooses a oneof arm and sets a field of it |
| `embedding.optimizer.adam=` | chooses an arm, or resets a message, with its defaults |
| `clear=model.student.mlp,train.schedule` | takes away what files, and arguments before it, have set |
| `drop_feature=hour` | leaves a feature out |

What can be off is off in one of two ways: a number is 0, a part isn't there (`clear` takes it away). Features, interactions and hints
are lists of messages and change only by file. An unknown name is an error that comes with the nearest known one, a name that an earlier
version had with the one in its place; values are checked before any data is read. A run stores its configuration with every default
written out, so that it means the same when a default changes.

A key is the path to a field: `train.schedule.warmup_steps`. "—" in the column of defaults: not set. "list": any number of them.

Generated from `src/config/experiment.proto` by `tools/gen_config_docs.py`; edit those.
"""

FIELD = re.compile(r"^(?:(optional|repeated) )?([\w.]+) (\w+) = \d+(?: \[default = (.*)\])?;\s*(?://\s*(.*))?$")
GROUP = re.compile(r"^// -- (.+)$")
VALUE = re.compile(r"^(\w+) = \d+;\s*(?://\s*(.*))?$")
OPENING = re.compile(r"^(message|enum|oneof) (\w+) \{(\})?$")
SECTION = re.compile(r"^// -{20,} ?\w+$")


class Oneof:
    def __init__(self, name, comment):
        self.name, self.comment = name, text_of(comment)


class Message:
    def __init__(self, name, comment):
        self.name, self.comment, self.example = name, text_of(comment), example_of(comment)
        self.fields = []  # (name, type, is_repeated, default, comment, oneof); a str: the heading of those below
        self.enums = []


class Enum:
    def __init__(self, name, comment):
        self.name, self.comment = name, text_of(comment)
        self.values = []  # (name, comment)


def parse(lines):
    """The top-level messages and enums in the order of the file."""
    top, open_blocks, comment = [], [], []
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if SECTION.match(line):
            comment = []
        elif group := GROUP.match(line):
            open_blocks[-1].fields.append(group.group(1))
            comment = []
        elif line.startswith("//"):
            comment.append(line[2:].rstrip())
        elif line == "" or line.startswith(("syntax", "package")):
            comment = []
        elif opening := OPENING.match(line):
            kind, name, closed = opening.groups()
            block = {"message": Message, "enum": Enum, "oneof": Oneof}[kind](name, comment)
            if kind != "oneof":
                outer = [b for b in open_blocks if isinstance(b, Message)]
                (outer[-1].enums if outer else top).append(block)
            if not closed:
                open_blocks.append(block)
            comment = []
        elif line == "}":
            open_blocks.pop()
            comment = []
        elif isinstance(open_blocks[-1], Enum) and (value := VALUE.match(line)):
            open_blocks[-1].values.append((value.group(1), value.group(2) or text_of(comment)))
            comment = []
        elif field := FIELD.match(line):
            label, type_name, name, default, behind = field.groups()
            message = [b for b in open_blocks if isinstance(b, Message)][-1]
            oneof = open_blocks[-1] if isinstance(open_blocks[-1], Oneof) else None
            meaning = " ".join(filter(None, [text_of(comment), behind]))
            message.fields.append((name, type_name, label == "repeated", default, meaning, oneof))
            comment = []
        else:
            sys.exit(f"{PROTO}:{number}: not understood: {line}")
    return top


def text_of(comment):
    lines = [line.strip() for line in comment if not line.startswith("   ")]
    return " ".join(line for line in lines if line and not line.startswith("Next id"))


def example_of(comment):
    return [line[3:] for line in comment if line.startswith("   ")]


def keys_of(blocks):
    """For each message the keys that lead to it from Experiment."""
    messages = {block.name: block for block in blocks if isinstance(block, Message)}
    keys = {name: [] for name in messages}

    def walk(name, key):
        keys[name].append(key)
        for field, type_name, _, _, _, _ in (f for f in messages[name].fields if not isinstance(f, str)):
            if type_name in messages:
                walk(type_name, f"{key}.{field}" if key else field)

    walk("Experiment", "")
    return keys


def cell(text):
    return text.replace("|", "\\|")


def first_sentence(text):
    return re.match(r".*?(\.(?= |$)|$)", text).group()


def field_row(field, by_name):
    if isinstance(field, str):
        return f"| **{field}** | | | |"
    name, type_name, is_repeated, default, meaning, oneof = field
    shown = f"[{type_name}](#{type_name.lower()})" if type_name in by_name else type_name
    if not meaning and type_name in by_name and not oneof:
        meaning = first_sentence(by_name[type_name].comment)
    if is_repeated:
        shown = "list of " + shown
    if oneof:
        meaning = " ".join(filter(None, ["One of these.", oneof.comment, meaning]))
    shown_default = f"`{cell(default)}`" if default else "—"
    return f"| `{name}` | {shown} | {shown_default} | {cell(meaning)} |"


def enum_table(enum):
    return [f"| `{enum.name}` | |", "|---|---|"] + [f"| `{name}` | {cell(meaning)} |" for name, meaning in enum.values] + [""]


def render(blocks):
    keys = keys_of(blocks)
    by_name = {block.name: block for block in blocks}
    out = [INTRODUCTION]
    for block in blocks:
        out += [f"## {block.name}", ""]
        if block.comment:
            out += [block.comment, ""]
        if isinstance(block, Enum):
            out += enum_table(block)
            continue
        places = [f"`{key}`" for key in keys[block.name] if key]
        if places:
            out += ["Key: " + ", ".join(places) + ".", ""]
        if block.example:
            out += ["```textproto", *block.example, "```", ""]
        if block.fields:
            out += ["| field | type | default | meaning |", "|---|---|---|---|"]
            out += [field_row(field, by_name) for field in block.fields] + [""]
        for enum in block.enums:
            out += enum_table(enum)
    return "\n".join(out).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 unless the file is up to date")
    arguments = parser.parse_args()
    wanted = render(parse(PROTO.read_text().splitlines()))
    if not arguments.check:
        DOCS.write_text(wanted)
        return
    found = DOCS.read_text() if DOCS.exists() else ""
    if found != wanted:
        sys.stdout.writelines(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), str(DOCS), "up to date"))
        sys.exit(f"{DOCS} is out of date; run tools/gen_config_docs.py")


if __name__ == "__main__":
    main()
