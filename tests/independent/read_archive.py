#!/usr/bin/env python3
"""A second reader of Waybill archives, written from docs/format.md alone.

Checks everything that page demands except the forms of the evidence, then prints one JSON object:
root, content_root, waybill, schema, manifest, and for each table its name and its rows as they
stand in the archive. Ends with 1 and `CLASS: what` on standard error if the archive is refused.
Needs Python 3.9, its standard library and the `zstd` command; holds everything in memory.

    read_archive.py ARCHIVE [--expect-root HEX] [--no-rows]
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import subprocess
import sys

BLOCK = 128 * 1024
PART = 8 * 1024 * 1024
ROW = 2**32 - 2**24
FIXED_BEFORE = ["waybill/bagit.txt", "waybill/waybill.json", "waybill/data/schema.json"]
FIXED_AFTER = [
    "waybill/manifest.json",
    "waybill/datapackage.json",
    "waybill/manifest-sha256.txt",
    "waybill/bag-info.txt",
    "waybill/tagmanifest-sha256.txt",
]
PART_NAME = re.compile(r"waybill/data/t(\d{4})/p(\d{6})\.jsonl")
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
FORMS = (
    "integer real text raw_text blob wide_integer special_real nul_text number_text decimal_text "
    "zero_one boolean_word decimal_real uuid uuid_upper uuid_hex uuid_blob date time "
    "timestamp timestamp_offset plain_time inet json json_plain epoch_seconds epoch_millis epoch_micros opaque"
).split()


class Refused(Exception):
    """An archive that is not accepted: its class, and why."""

    def __init__(self, kind, what):
        super().__init__(f"archive-{kind}: {what}")


def demand(condition, kind, what):
    if not condition:
        raise Refused(kind, what)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# Frames (section 2)

def xxh64(data):
    """XXH64 with seed 0."""
    mask = 2**64 - 1
    p1, p2, p3, p4, p5 = (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )

    def rotate(x, n):
        return ((x << n) | (x >> (64 - n))) & mask

    def lane(accumulator, word):
        return rotate((accumulator + word * p2) & mask, 31) * p1 & mask

    length, at = len(data), 0
    if length >= 32:
        lanes = [(p1 + p2) & mask, p2, 0, (-p1) & mask]
        while at + 32 <= length:
            words = struct.unpack_from("<4Q", data, at)
            lanes = [lane(accumulator, word) for accumulator, word in zip(lanes, words)]
            at += 32
        digest = sum(rotate(x, n) for x, n in zip(lanes, (1, 7, 12, 18))) & mask
        for accumulator in lanes:
            digest = ((digest ^ lane(0, accumulator)) * p1 + p4) & mask
    else:
        digest = p5
    digest = (digest + length) & mask
    while at + 8 <= length:
        digest = (rotate(digest ^ lane(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & mask
        at += 8
    if at + 4 <= length:
        word = struct.unpack_from("<I", data, at)[0]
        digest = (rotate(digest ^ (word * p1 & mask), 23) * p2 + p3) & mask
        at += 4
    for byte in data[at:]:
        digest = rotate(digest ^ (byte * p5 & mask), 11) * p1 & mask
    digest = (digest ^ digest >> 33) * p2 & mask
    digest = (digest ^ digest >> 29) * p3 & mask
    return digest ^ digest >> 32


def stored_length(size):
    return 10 + 3 * -(-size // BLOCK) + size + 4


def stored(content):
    frame = bytearray(b"\x28\xb5\x2f\xfd\x84\x38" + struct.pack("<I", len(content)))
    for at in range(0, len(content), BLOCK):
        block = content[at : at + BLOCK]
        last = at + BLOCK >= len(content)
        frame += struct.pack("<I", len(block) * 8 + last)[:3] + block
    return bytes(frame) + struct.pack("<I", xxh64(content) & 0xFFFFFFFF)


def open_stored(frame, size):
    demand(size > 0 and len(frame) == stored_length(size), "damaged", "length of a stored frame")
    content = b"".join(frame[at + 3 : at + 3 + BLOCK] for at in range(10, len(frame) - 4, BLOCK + 3))
    content = content[:size]
    demand(stored(content) == frame, "damaged", "a stored frame is not in its one form")
    return content


def open_content(frame, size):
    demand(frame[:4] == b"\x28\xb5\x2f\xfd" and len(frame) > 5, "damaged", "no zstd frame")
    descriptor = frame[4]
    demand(descriptor & 0b11111 == 0b100, "damaged", "descriptor of a content frame")
    at, single = 5, descriptor & 0b100000
    if not single:
        window = frame[at]
        base = 1 << (10 + (window >> 3))
        demand(base + base // 8 * (window & 7) <= PART, "limit", "window above 8 MiB")
        at += 1
    width = {0: 1 if single else 0, 1: 2, 2: 4, 3: 8}[descriptor >> 6]
    demand(width > 0, "damaged", "a content frame does not give its size")
    declared = int.from_bytes(frame[at : at + width], "little") + (256 if width == 2 else 0)
    demand(declared == size, "damaged", "a content frame gives another size")
    # One frame: the blocks and the checksum end where the frame ends (RFC 8878, 3.1.1).
    at += width
    while True:
        demand(at + 3 <= len(frame), "damaged", "a content frame is cut off")
        block = int.from_bytes(frame[at : at + 3], "little")
        kind, length = block >> 1 & 3, block >> 3
        demand(kind != 3, "damaged", "a reserved kind of block")
        at += 3 + (1 if kind == 1 else length)
        if block & 1:
            break
    demand(at + 4 == len(frame), "damaged", "a content frame has another length")
    zstd = subprocess.run(["zstd", "-dcq", "-M16MB"], input=frame, capture_output=True, check=False)
    demand(zstd.returncode == 0 and len(zstd.stdout) == size, "damaged", "cannot decompress a part")
    return zstd.stdout


# Members (sections 1, 3, 4)

def header(name, size):
    def octal(number, digits):
        return f"{number:0{digits}o}".encode() + b"\0"

    before = name.encode().ljust(100, b"\0") + octal(0o644, 7) + octal(0, 7) + octal(0, 7)
    before += octal(size, 11) + octal(0, 11)
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + octal(0, 7) + octal(0, 7) + bytes(167)
    total = sum(before) + 8 * 0x20 + sum(after)
    return before + octal(total, 7) + after


def may_follow(name, before):
    fixed = FIXED_BEFORE + FIXED_AFTER
    part, last = PART_NAME.fullmatch(name), PART_NAME.fullmatch(before or "")
    if part:
        table, number = int(part[1]), int(part[2])
        if before == FIXED_BEFORE[-1]:
            return table >= 1 and number == 1
        if not last:
            return False
        same = table == int(last[1]) and number == int(last[2]) + 1
        return same or (table > int(last[1]) and number == 1)
    if last or before == FIXED_BEFORE[-1]:
        return name == FIXED_AFTER[0]
    return name in fixed and fixed.index(name) == (fixed.index(before) + 1 if before else 0)


def seek_table(data):
    demand(len(data) >= 17, "damaged", "too short for a seek table")
    count, descriptor, magic = struct.unpack("<IBI", data[-9:])
    demand(magic == 0x8F92EAB1 and descriptor == 0, "damaged", "no seek table at the end")
    demand(count <= 2_000_017, "limit", "too many frames")
    start = len(data) - 17 - 8 * count
    demand(start >= 0, "damaged", "shorter than its seek table")
    demand(
        struct.unpack_from("<II", data, start) == (0x184D2A5E, 8 * count + 9),
        "damaged",
        "opening of the seek table",
    )
    frames = list(struct.iter_unpack("<II", data[start + 8 : -9]))
    demand(sum(frame[0] for frame in frames) == start, "damaged", "the frames do not fill the file")
    return frames


def check_size(name, compressed, plain):
    if PART_NAME.fullmatch(name):
        limit = ROW + PART
        fits = compressed <= plain + plain // 256 + max(0, BLOCK - plain) // 2048
    else:
        limit = {FIXED_BEFORE[0]: 2**16, FIXED_BEFORE[1]: 2**16, FIXED_BEFORE[2]: 2**26}.get(name, 2**29)
        fits = compressed == stored_length(plain)
    demand(plain <= limit, "limit", f"{name} is too long")
    demand(plain > 0 and fits, "damaged", f"length of {name}")


def walk(data):
    """The members: name, offset of the frame, its length, length of the content."""
    opening = stored(header(FIXED_BEFORE[0], len(BAGIT)))[: 13 + len(FIXED_BEFORE[0]) + 1]
    seen = data[: len(opening)]
    demand(data and opening.startswith(seen), "foreign", "does not begin as an archive does")
    frames = seek_table(data)
    demand(len(frames) % 2 == 1, "damaged", "number of frames")
    members, at, padding, before = [], 0, 0, None
    for index in range(0, len(frames) - 1, 2):
        (glue, glue_plain), (compressed, plain) = frames[index : index + 2]
        demand(
            glue_plain == padding + 512 and glue == stored_length(glue_plain),
            "damaged",
            f"frame before member {index // 2}",
        )
        found = data[at : at + glue]
        name = found[13 + padding : 113 + padding].split(b"\0")[0].decode("ascii", "replace")
        demand(may_follow(name, before), "damaged", f"{name!r} may not follow {before!r}")
        expected = stored(bytes(padding) + header(name, plain))
        demand(found == expected, "damaged", f"header of {name}")
        check_size(name, compressed, plain)
        members.append((name, at + glue, compressed, plain))
        at += glue + compressed
        padding, before = -plain % 512, name
    demand(before == FIXED_AFTER[-1], "damaged", "the last member is not the root file")
    end = stored(bytes(padding + 1024))
    demand(
        frames[-1] == (len(end), padding + 1024) and data[at : at + len(end)] == end,
        "damaged",
        "the end of the tar stream",
    )
    return members


# Rows (section 5)

def text(value):
    return json.dumps(value, ensure_ascii=False)


def real(value):
    if value == 0:
        return "-0.0" if str(value)[0] == "-" else "0.0"
    sign = "-" if value < 0 else ""
    # Python's repr has the shortest digits, but other rules for writing them out.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    e = len(whole) - 1 - leading + int(exponent or 0)
    digits = digits.rstrip("0")
    if 0 <= e <= 15:
        digits = digits.ljust(e + 1, "0")
        return f"{sign}{digits[: e + 1]}.{digits[e + 1 :] or '0'}"
    if -5 <= e <= -1:
        return f"{sign}0.{'0' * (-e - 1)}{digits}"
    point = "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e{'+' if e > 0 else '-'}{abs(e)}"


def cell(value):
    """The canonical spelling of a parsed cell."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        raise ValueError("true and false are reserved")
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError("an integer of more than 64 bits")
        return str(value)
    if isinstance(value, float):
        return real(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict) and len(value) == 1:
        [(kind, inner)] = value.items()
        if kind in ("blob", "text"):
            coded = base64.b64encode(base64.b64decode(inner, validate=True)).decode()
            return f'{{"{kind}":"{coded}"}}'
        if kind == "real" and inner in ("Infinity", "-Infinity", "NaN"):
            return f'{{"real":"{inner}"}}'
    raise ValueError("no cell of version 1")


def refuse_constant(name):
    raise ValueError(name)


def check_row(line, cells):
    row = json.loads(line, parse_constant=refuse_constant)
    if not isinstance(row, list) or len(row) != cells:
        raise ValueError("number of cells")
    if "[" + ",".join(map(cell, row)) + "]" != line:
        raise ValueError("not the canonical spelling")


def check_lines(name, lines, part, last, cells):
    demand(lines.endswith(b"\n"), "inconsistent", f"{name}: the last row is not ended")
    demand(lines.count(b"\n") == part["rows"], "inconsistent", f"{name}: number of rows")
    begin = lines.rfind(b"\n", 0, -1) + 1
    demand(begin < PART, "inconsistent", f"{name}: the part goes on too long")
    demand(last or len(lines) >= PART, "inconsistent", f"{name}: the part ends too early")
    rows = []
    for number, line in enumerate(lines[:-1].split(b"\n"), 1):
        try:
            line = line.decode()
            check_row(line, cells)
        except (ValueError, RecursionError) as error:
            raise Refused("inconsistent", f"{name}, row {number}: {error}") from error
        rows.append(line)
    return rows


# Tag files (sections 6 and 7)

def canonical(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def unique_pairs(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a field is repeated")
    return value


def parse(name, content):
    try:
        value = json.loads(
            content.decode(),
            object_pairs_hook=unique_pairs,
            parse_constant=refuse_constant,
            parse_float=refuse_constant,
        )
        spelled = canonical(value)
    except (ValueError, RecursionError) as error:
        raise Refused("inconsistent", f"{name}: {error}") from error
    demand(spelled == content, "inconsistent", f"{name}: not in canonical form")
    return value


class Shape:
    """Says which fields an object has, in order, and holds values to it."""

    def __init__(self, **fields):
        self.fields = fields

    def check(self, value, where):
        optional = [name for name, kind in self.fields.items() if isinstance(kind, Optional)]
        wanted = [name for name in self.fields if name not in optional or name in (value or ())]
        fits = isinstance(value, dict) and list(value) == wanted
        demand(fits, "inconsistent", f"{where}: fields are not {wanted}")
        for name, inner in value.items():
            check(inner, self.fields[name], f"{where}.{name}")


class Optional:
    def __init__(self, kind):
        self.kind = kind


class Or:
    def __init__(self, *kinds):
        self.kinds = kinds


class Number:
    def __init__(self, least=0, most=2**53 - 1):
        self.least, self.most = least, most


def check(value, kind, where):
    if isinstance(kind, Optional):
        return check(value, kind.kind, where)
    if isinstance(kind, Shape):
        return kind.check(value, where)
    if isinstance(kind, list):
        demand(isinstance(value, list), "inconsistent", f"{where}: no list")
        for number, inner in enumerate(value):
            check(inner, kind[0], f"{where}[{number}]")
        return None
    if isinstance(kind, Or):
        for one in kind.kinds:
            try:
                return check(value, one, where)
            except Refused:
                pass
        raise Refused("inconsistent", f"{where}: {value!r}")
    if isinstance(kind, Number):
        fits = type(value) is int and kind.least <= value <= kind.most
    elif kind == "decimal":
        fits = isinstance(value, str) and re.fullmatch(r"0|-?[1-9][0-9]*", value)
        fits = fits and -(2**63) <= int(value) < 2**63
    elif kind == "digest":
        fits = isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value)
    elif kind == "base64":
        try:
            fits = base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
        except (ValueError, TypeError):
            fits = False
    elif kind == "real number":
        try:
            fits = value in ("Infinity", "-Infinity", "NaN") or real(float(value)) == value
        except (ValueError, TypeError):
            fits = False
    elif isinstance(kind, type):
        fits = type(value) is kind
    else:
        fits = type(value) is type(kind) and value == kind
    demand(fits, "inconsistent", f"{where}: {value!r}")
    return None


NAME = Or(str, None)
WAYBILL = Shape(
    format="waybill",
    version=1,
    requires=[str],
    source=Shape(engine=str, version=str),
    encoder=Shape(program=str, zstd=str, level=Number(1, 19)),
    labels=dict,
    created=Optional(str),
)
KEY = Shape(
    name=NAME,
    columns=[Shape(column=str, descending=bool, collation=str)],
    on_conflict=NAME,
)
DEFAULT = Or(
    None,
    "null",
    "current_date",
    "current_time",
    "current_timestamp",
    Shape(integer="decimal"),
    Shape(real="real number"),
    Shape(text=str),
    Shape(raw_text="base64"),
    Shape(blob="base64"),
    Shape(expression=str),
)
COLUMN = Shape(
    name=str,
    declared_type=str,
    affinity=Or("text", "numeric", "integer", "real", "blob"),
    not_null=bool,
    default=DEFAULT,
    generated=Or(None, Shape(expression=str, stored=bool)),
    collation=str,
    hidden=bool,
    on_conflict=Optional(str),
)
ACTION = Or("no_action", "restrict", "set_null", "set_default", "cascade")
FOREIGN_KEY = Shape(
    name=NAME,
    columns=[str],
    parent=str,
    parent_columns=[str],
    on_delete=ACTION,
    on_update=ACTION,
    deferrable=Or("no", "initially_immediate", "initially_deferred"),
)
INDEX = Shape(
    name=str,
    unique=bool,
    terms=[Shape(on=Or(Shape(column=str), Shape(expression=str)), descending=bool, collation=str)],
    predicate=NAME,
    note=str,
)
VIRTUAL = Shape(
    virtual=Shape(module=str, content=Or("rows", "rebuilt", "unavailable"), sql=str)
)
TABLE = Shape(
    id=Number(1, 9999),
    name=str,
    kind=Or("rowid", "without_rowid", VIRTUAL),
    strict=bool,
    rowid=Or("hidden", "none", Shape(column=str)),
    autoincrement=bool,
    columns=[COLUMN],
    primary_key=Or(None, KEY),
    unique=[KEY],
    foreign_keys=[FOREIGN_KEY],
    checks=[Shape(name=NAME, expression=str)],
    indexes=[INDEX],
    note=Optional(str),
)
SIGNED = Number(-(2**31), 2**31 - 1)
UNSIGNED = Number(0, 2**32 - 1)
SCHEMA = Shape(
    facts=Shape(
        encoding=Or("utf-8", "utf-16le", "utf-16be"),
        user_version=SIGNED,
        application_id=SIGNED,
        page_size=UNSIGNED,
        auto_vacuum=UNSIGNED,
        wal=bool,
        analyzed=bool,
    ),
    tables=[TABLE],
    views=[Shape(name=str, sql=str)],
    triggers=[Shape(name=str, table=str, sql=str)],
    sequences=[Shape(table=str, value="decimal")],
)
ROW_SHAPE = Shape(row=Number(1), key=str)
EVIDENCE = Shape(
    name=str,
    nulls=Number(),
    integers=Number(),
    reals=Number(),
    texts=Number(),
    raw_texts=Number(),
    blobs=Number(),
    integer_range=Or(None, ["decimal"]),
    real_range=Or(None, ["real number"]),
    longest_text=Number(),
    longest_blob=Number(),
    forms=[
        Shape(name=Or(*FORMS), matches=Number(1), first=ROW_SHAPE, first_other=Or(None, ROW_SHAPE))
    ],
)
MANIFEST = Shape(
    schema_sha256="digest",
    content_root="digest",
    totals=Shape(tables=Number(), parts=Number(), rows=Number(), bytes=Number()),
    tables=[
        Shape(
            id=Number(1, 9999),
            name=str,
            rows=Number(),
            bytes=Number(),
            rows_sha256="digest",
            parts=[
                Shape(
                    rows=Number(1),
                    bytes=UNSIGNED,
                    sha256="digest",
                    offset=Number(),
                    frame_bytes=UNSIGNED,
                    frame_sha256="digest",
                )
            ],
            columns=[EVIDENCE],
        )
    ],
)


def read_waybill(content):
    try:
        probe = json.loads(content)
    except ValueError:
        probe = None
    if isinstance(probe, dict):
        demand(probe.get("format") == "waybill", "foreign", "format")
        newer = isinstance(probe.get("version"), int) and probe["version"] > 1
        demand(not newer and not probe.get("requires"), "too-new", "version or requires")
    waybill = parse("waybill.json", content)
    check(waybill, WAYBILL, "waybill.json")
    names = [*waybill["source"].values(), waybill["encoder"]["program"], waybill["encoder"]["zstd"]]
    plain = all(re.fullmatch("[ -~]{1,100}", name) for name in names)
    demand(plain, "inconsistent", "waybill.json: a name or version")
    labels = waybill["labels"]
    fits = all(key and isinstance(value, str) for key, value in labels.items())
    order = sorted(labels, key=lambda key: key.encode())
    demand(fits and list(labels) == order, "inconsistent", "waybill.json: labels")
    return waybill


def stored_columns(table):
    return [column for column in table["columns"] if not column["generated"] and not column["hidden"]]


def has_rows(table):
    kind = table["kind"]
    return isinstance(kind, str) or kind["virtual"]["content"] == "rows"


def check_table(number, table):
    where = f"schema.json, table {table['name']!r}"
    demand(table["id"] == number, "inconsistent", f"{where}: id")
    noted = "note" in table
    demand(noted == isinstance(table["kind"], str), "inconsistent", f"{where}: note")
    # Only ASCII letters are the same in both cases.
    known = {ascii_lower(column["name"]) for column in table["columns"]}
    keys = [key for key in [table["primary_key"], *table["unique"]] if key]
    demand(all(key["columns"] for key in keys), "inconsistent", f"{where}: a key without columns")
    named = [column["column"] for key in keys for column in key["columns"]]
    if isinstance(table["rowid"], dict):
        column = table["rowid"]["column"]
        named.append(column)
        cells = {ascii_lower(stored_column["name"]) for stored_column in stored_columns(table)}
        demand(ascii_lower(column) in cells, "inconsistent", f"{where}: rowid")
    for key in table["foreign_keys"]:
        pairs = len(key["parent_columns"]) in (0, len(key["columns"]))
        demand(key["columns"] and pairs, "inconsistent", f"{where}: a foreign key")
        named += key["columns"]
    terms = [term["on"] for index in table["indexes"] for term in index["terms"]]
    named += [on["column"] for on in terms if "column" in on]
    unknown = [name for name in named if ascii_lower(name) not in known]
    demand(not unknown, "inconsistent", f"{where}: there is no column {unknown}")


def ascii_lower(name):
    return re.sub("[A-Z]+", lambda letters: letters[0].lower(), name)


def read_schema(content):
    schema = parse("schema.json", content)
    check(schema, SCHEMA, "schema.json")
    demand(len(schema["tables"]) <= 9999, "limit", "tables")
    for number, table in enumerate(schema["tables"], 1):
        check_table(number, table)
    names = [ascii_lower(table["name"]) for table in schema["tables"]]
    demand(len(set(names)) == len(names), "inconsistent", "schema.json: two tables of one name")
    return schema


def check_evidence(table, entry):
    columns = stored_columns(table) if has_rows(table) else []
    names = [column["name"] for column in columns]
    where = f"evidence of {table['name']!r}"
    demand([c["name"] for c in entry["columns"]] == names, "inconsistent", f"{where}: columns")
    for column in entry["columns"]:
        classes = ["nulls", "integers", "reals", "texts", "raw_texts", "blobs"]
        total = sum(column[name] for name in classes)
        demand(total == entry["rows"], "inconsistent", f"{where}: the classes do not add up")
        span = column["integer_range"]
        fits = span is None if column["integers"] == 0 else span is not None and len(span) == 2
        demand(fits, "inconsistent", f"{where}: range")
        span = column["real_range"]
        fits = span is None or column["reals"] > 0 and len(span) == 2 and "NaN" not in span
        if fits and span is not None:
            ends = [(float(end), not end.startswith("-")) for end in span]
            fits = ends == sorted(ends)
        demand(fits, "inconsistent", f"{where}: range of reals")
        order = [FORMS.index(form["name"]) for form in column["forms"]]
        demand(order == sorted(set(order)), "inconsistent", f"{where}: order of the forms")
        for form in column["forms"]:
            rows = [form["first"]] + ([form["first_other"]] if form["first_other"] else [])
            fits = form["matches"] <= entry["rows"]
            fits = fits and all(row["row"] <= entry["rows"] for row in rows)
            demand(fits, "inconsistent", f"{where}: a form")


def content_root(schema, tables):
    content = json.loads(json.dumps(schema))
    for table in content["tables"]:
        table.pop("note", None)
        for index in table["indexes"]:
            del index["note"]
    data = b"waybill content 1\n" + canonical(content)
    for table in tables:
        data += canonical([table["id"], table["name"], table["rows"], table["rows_sha256"]])
    return sha256(data)


def read_manifest(content, schema, schema_content, members):
    manifest = parse("manifest.json", content)
    check(manifest, MANIFEST, "manifest.json")
    tables = manifest["tables"]
    heads = [(table["id"], table["name"]) for table in schema["tables"]]
    fits = [(table["id"], table["name"]) for table in tables] == heads
    demand(fits, "inconsistent", "manifest.json: tables")
    listed = []
    for table, entry in zip(schema["tables"], tables):
        parts = entry["parts"]
        demand(has_rows(table) or not parts, "inconsistent", f"parts of {table['name']!r}")
        for number, part in enumerate(parts, 1):
            name = f"waybill/data/t{entry['id']:04}/p{number:06}.jsonl"
            listed.append((name, part["offset"], part["frame_bytes"], part["bytes"]))
        for field in ("rows", "bytes"):
            total = sum(part[field] for part in parts)
            demand(entry[field] == total, "inconsistent", f"{field} of {table['name']!r}")
        digest = sha256(b"".join(bytes.fromhex(part["sha256"]) for part in parts))
        demand(entry["rows_sha256"] == digest, "inconsistent", f"rows_sha256 of {table['name']!r}")
        check_evidence(table, entry)
    found = [member for member in members if PART_NAME.fullmatch(member[0])]
    demand(listed == found, "inconsistent", "manifest.json: parts")
    totals = {
        "tables": len(tables),
        "parts": len(found),
        "rows": sum(table["rows"] for table in tables),
        "bytes": sum(table["bytes"] for table in tables),
    }
    demand(manifest["totals"] == totals, "inconsistent", "manifest.json: totals")
    demand(manifest["schema_sha256"] == sha256(schema_content), "inconsistent", "schema_sha256")
    demand(manifest["content_root"] == content_root(schema, tables), "inconsistent", "content_root")
    return manifest


def data_package(schema, manifest):
    resources = [
        {
            "name": "about",
            "path": "waybill.json",
            "profile": "data-resource",
            "format": "json",
            "encoding": "utf-8",
        }
    ]
    for table, entry in zip(schema["tables"], manifest["tables"]):
        if not entry["parts"]:
            continue
        titles = ["rowid"] if table["rowid"] == "hidden" else []
        titles += [column["name"] for column in stored_columns(table)]
        numbers = range(1, len(entry["parts"]) + 1)
        resources.append(
            {
                "name": f"t{entry['id']:04}",
                "title": table["name"],
                "path": [f"data/t{entry['id']:04}/p{number:06}.jsonl" for number in numbers],
                "profile": "tabular-data-resource",
                "format": "jsonl",
                "encoding": "utf-8",
                "dialect": {"header": False},
                "schema": {
                    "fields": [
                        {"name": f"c{number:05}", "title": title, "type": "any"}
                        for number, title in enumerate(titles, 1)
                    ]
                },
            }
        )
    return canonical({"profile": "data-package", "name": "waybill", "resources": resources})


def derived(waybill, schema, schema_content, manifest):
    lines = [f"{sha256(schema_content)}  data/schema.json\n"]
    for entry in manifest["tables"]:
        for number, part in enumerate(entry["parts"], 1):
            lines.append(f"{part['sha256']}  data/t{entry['id']:04}/p{number:06}.jsonl\n")
    totals = manifest["totals"]
    info = f"Bag-Software-Agent: {waybill['encoder']['program']}\n"
    info += f"Payload-Oxum: {totals['bytes'] + len(schema_content)}.{totals['parts'] + 1}\n"
    return {
        "waybill/manifest-sha256.txt": "".join(lines).encode(),
        "waybill/bag-info.txt": info.encode(),
        "waybill/datapackage.json": data_package(schema, manifest),
    }


# The whole (section 10)

def read_parts(data, schema, manifest):
    tables = []
    for table, entry in zip(schema["tables"], manifest["tables"]):
        cells = (table["rowid"] == "hidden") + len(stored_columns(table))
        rows = []
        for number, part in enumerate(entry["parts"], 1):
            name = f"t{entry['id']:04}/p{number:06}"
            frame = data[part["offset"] :][: part["frame_bytes"]]
            demand(sha256(frame) == part["frame_sha256"], "damaged", f"{name}: frame_sha256")
            lines = open_content(frame, part["bytes"])
            demand(sha256(lines) == part["sha256"], "damaged", f"{name}: sha256")
            rows += check_lines(name, lines, part, number == len(entry["parts"]), cells)
        tables.append((table["name"], rows))
    return tables


def read(data, expected_root=None):
    """All of an archive, or Refused."""
    members = walk(data)
    tags = {
        name: open_stored(data[offset : offset + length], plain)
        for name, offset, length, plain in members
        if not PART_NAME.fullmatch(name)
    }
    root_file = tags["waybill/tagmanifest-sha256.txt"]
    root = sha256(root_file)
    demand(expected_root in (None, root), "unexpected", f"the root is {root}")
    demand(tags["waybill/bagit.txt"] == BAGIT, "inconsistent", "bagit.txt")
    listed = "".join(
        f"{sha256(content)}  {name[len('waybill/'):]}\n"
        for name, content in tags.items()
        if name not in ("waybill/data/schema.json", "waybill/tagmanifest-sha256.txt")
    )
    demand(listed.encode() == root_file, "inconsistent", "tagmanifest-sha256.txt")
    waybill = read_waybill(tags["waybill/waybill.json"])
    schema_content = tags["waybill/data/schema.json"]
    schema = read_schema(schema_content)
    manifest = read_manifest(tags["waybill/manifest.json"], schema, schema_content, members)
    for name, content in derived(waybill, schema, schema_content, manifest).items():
        demand(tags[name] == content, "inconsistent", name)
    return {
        "root": root,
        "content_root": manifest["content_root"],
        "waybill": waybill,
        "schema": schema,
        "manifest": manifest,
        "tables": read_parts(data, schema, manifest),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive")
    parser.add_argument("--expect-root", metavar="HEX")
    parser.add_argument("--no-rows", action="store_true", help="check the rows, but do not print them")
    arguments = parser.parse_args()
    with open(arguments.archive, "rb") as file:
        data = file.read()
    try:
        found = read(data, arguments.expect_root)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    tables = found.pop("tables")
    sys.stdout.reconfigure(encoding="utf-8")
    # Rows are printed as they stand in the archive: a JSON library might change their numbers.
    print(json.dumps(found, ensure_ascii=False)[:-1] + ',"tables":[', end="")
    for number, (name, rows) in enumerate(tables):
        shown = "" if arguments.no_rows else ",\n".join(rows)
        print(f'{"," if number else ""}{{"name":{text(name)},"rows":[\n{shown}]}}', end="")
    print("]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
