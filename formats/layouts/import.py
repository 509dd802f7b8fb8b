#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the layout files in data/ from what the device tables of QEMU releases say.

    import.py RELEASE.json...        rewrites every file that it makes; files written by hand are left alone

A RELEASE.json holds {"qemu": RELEASE, "descriptions": [{"key", "name", "version", "minimum_version", "fields", "subsections"}]}
as read out of a build of that release: a field has "name", "size" (in memory), "type" or "struct" (a key), "num", "version_id",
"exists_if" (name of a C function), "count_field" or "size_field". What such a table does not say (counts that only the device
knows, what the functions test) is in import_facts.json. Descriptions that need more than that are named and left out.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
FACTS = json.loads((HERE / "import_facts.json").read_text())


class LeftOut(Exception):
    pass


def release_order(release):
    return [int(part) for part in release.split("-")[0].split(".")]


def layout_id(description):
    return FACTS["ids"].get(description["key"], description["name"])


def wire_type(field):
    """Type on the wire, and the bytes of one element for types that do not say it."""
    name = FACTS["types"].get(field["type"], field["type"])
    if name in FACTS["scalars"]:
        return {"type": name}
    if name in FACTS["sizes"]:
        return {"type": name, "size": FACTS["sizes"][name]}
    if name in FACTS["sized_in_memory"]:
        return {"type": name, "size": field["size"]}
    raise LeftOut(f"wire size of type '{name}' is not known")


def count_of(owner, field, earlier):
    """A number, or the earlier field that says it. Some counts stand behind what they count: a loader knows them by itself."""
    source = field.get("count_field")
    if source is None:
        return field.get("num")
    if source in earlier:
        return source
    known = FACTS["counts"].get(f"{owner}.{field['name']}")
    if known is None:
        raise LeftOut(f"count of '{field['name']}' is not on the wire in front of it")
    return known


def with_own_name(test, earlier):
    """Later releases put the field that a test looks at into a part of its struct: "env.fpregs_format"."""
    if "if" not in test:
        return test
    name, rest = test["if"].split(" ", 1)
    for candidate in earlier:
        if candidate == name or candidate.endswith("." + name):
            return {"if": f"{candidate} {rest}"}
    raise LeftOut(f"no earlier field is called '{name}'")


def convert_field(owner, field, earlier, by_key):
    out = {"name": field["name"]}
    if "struct" in field:
        if field["struct"] not in by_key:
            raise LeftOut(f"'{field['name']}' is of an unknown description")
        out["struct"] = layout_id(by_key[field["struct"]])
    else:
        out.update(wire_type(field))
    if "size_field" in field:
        if field["size_field"] not in earlier:
            raise LeftOut(f"size of '{field['name']}' is not on the wire in front of it")
        out["size"] = field["size_field"]
    if (count := count_of(owner, field, earlier)) is not None:
        out["count"] = count
    if "version_id" in field:
        out["since"] = field["version_id"]
    if "exists_if" in field:
        test = FACTS["conditions"].get(field["exists_if"])
        if test is None:
            raise LeftOut(f"'{field['name']}' exists if {field['exists_if']}")
        out.update(with_own_name(test, earlier))
    return out


def is_wrapped(description, by_key):
    """Whether the release puts this body into a section of the same name, so that it is no section by itself."""
    return any(other["name"] == description["name"] and any(f.get("struct") == description["key"] for f in other["fields"])
               for other in by_key.values())


def convert(description, by_key):
    owner = layout_id(description)
    fields = []
    for field in description["fields"]:
        if "MUST_EXIST" in field["flags"] or field.get("exists_if") in FACTS["same_as_before"]:
            continue
        earlier = {f["name"] for f in fields}
        fields.append(convert_field(owner, field, earlier, by_key))
    out = {"name": description["name"] or owner}
    if owner != out["name"]:
        out["id"] = owner
    if owner in FACTS["sections"]:
        out["sections"] = FACTS["sections"][owner]
    if owner in FACTS["parts_where_wrapped"] and is_wrapped(description, by_key):
        out["sections"] = []
    out.update(version=description["version"], minimum=description["minimum_version"], fields=fields)
    subsections = [layout_id(by_key[s["vmsd"]]) for s in description.get("subsections", [])]
    if subsections:
        out["subsections"] = subsections
    return out


def references(layout):
    return [f["struct"] for f in layout["fields"] if "struct" in f] + layout.get("subsections", [])


def read_release(path, variants):
    """Adds what one release says: variants[id] is a list of [layout, releases]."""
    release = json.loads(pathlib.Path(path).read_text())
    name = release["qemu"].removesuffix("-sentinel")
    by_key = {d["key"]: d for d in release["descriptions"]}
    converted, why_not = {}, {}
    for description in release["descriptions"]:
        try:
            converted[layout_id(description)] = convert(description, by_key)
        except LeftOut as reason:
            why_not[layout_id(description)] = str(reason)
    while broken := {i for i, l in converted.items() if any(r not in converted for r in references(l))}:
        for i in broken:
            why_not[i] = "needs " + next(r for r in references(converted[i]) if r not in converted)
            del converted[i]
    for layout, reason in sorted(why_not.items()):
        print(f"{name}: {layout} left out: {reason}", file=sys.stderr)
    for i, layout in converted.items():
        for known, releases in variants.setdefault(i, []):
            if known == layout:
                releases.append(name)
                break
        else:
            variants[i].append([layout, [name]])


def file_of(variants):
    """id -> file: a part that one device alone uses stands with it, shared ones in common.json."""
    users = {i: set() for i in variants}
    for i, several in variants.items():
        for layout, _ in several:
            for used in references(layout):
                users[used].add(i)
    files = {}

    def homes(i, seen):
        if i in seen:
            return set()
        # Boards use an inner description as a device of its own, too: it stays with its name.
        name = variants[i][0][0]["name"]
        above = set().union(*(homes(u, seen | {i}) for u in users[i])) if users[i] else {name}
        return above
    for i in variants:
        where = homes(i, frozenset())
        files[i] = re.sub(r"[^a-z0-9]+", "_", where.pop().lower()).strip("_") if len(where) == 1 else "common"
    return files, users


def one_line(value):
    return json.dumps(value, ensure_ascii=False)


def text_of(layouts):
    """JSON with one field a line."""
    out = ['{ "made_by": "import.py", "layouts": [']
    for n, layout in enumerate(layouts):
        head = [f"{one_line(k)}: {one_line(v)}" for k, v in layout.items() if k not in ("fields", "subsections")]
        out.append("  { " + ", ".join(head) + ",")
        fields = ["      " + one_line(f).replace("{", "{ ", 1)[:-1] + " }" for f in layout["fields"]]
        last = "," if "subsections" in layout else ""
        out.append('    "fields": [' + ("\n" + ",\n".join(fields) + "\n    " if fields else "") + "]" + last)
        if "subsections" in layout:
            out.append('    "subsections": ' + one_line(layout["subsections"]))
        out.append("  }" + ("," if n + 1 < len(layouts) else ""))
    return "\n".join(out + ["] }", ""])


def main(paths):
    variants = {}
    for path in sorted(paths, key=lambda p: release_order(json.loads(pathlib.Path(p).read_text())["qemu"])):
        read_release(path, variants)
    files, users = file_of(variants)
    grouped = {}
    # What nobody embeds comes first: where a wrapper and its only part have the same bytes, the wrapper is meant.
    for i in sorted(variants, key=lambda i: bool(users[i])):
        for layout, releases in variants[i]:
            releases = sorted(releases, key=release_order)
            grouped.setdefault(files[i], []).append({"name": layout["name"], "releases": releases, **layout})
    data = HERE / "data"
    for old in data.glob("*.json"):
        if '"made_by": "import.py"' in old.read_text():
            old.unlink()
    for name, layouts in sorted(grouped.items()):
        if (data / f"{name}.json").exists():
            sys.exit(f"data/{name}.json was written by hand: not replaced")
        (data / f"{name}.json").write_text(text_of(layouts))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
