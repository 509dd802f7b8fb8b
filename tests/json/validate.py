#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""validate.py VMSTATE-DUMP SCHEMA CORPUS [FOLDER]

Runs every verb with --json over the files of FOLDER (of CORPUS without it) and validates what it prints. Each kind of
document must hold against its own part of the schema, and the schema must refuse a key that it does not know, at every
level. Exit 77: python3-jsonschema is not installed, or there is no FOLDER.
"""
import copy
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("SKIPPED: JSON documents are not validated (python3-jsonschema is not installed)")
    sys.exit(77)

LARGEST_FILE = 4 << 20
LARGEST_DOCUMENT = 1 << 20  # a validator in Python takes a second for each 200 KB
VERBS = {
    "overview": [],
    "sections_document": ["sections"],
    "state": ["state"],
    "ram_document": ["ram"],
    "bytes": ["bytes"],
    "bytes_at": ["bytes", "--at", "2500"],
    "check": ["check"],
}
GOOD_STATUS = (0, 1, 2)


def files_of(folder):
    """All files but those that are no inputs; of a large folder every third."""
    found = []
    for where, _, names in os.walk(folder):
        if os.path.basename(where) not in ("make", "dictionaries"):
            found += [os.path.join(where, name) for name in names]
    found = sorted(path for path in found if os.path.getsize(path) <= LARGEST_FILE)
    return found if len(found) < 150 else found[::3]


class Judge:
    def __init__(self, program, schema):
        self.program = program
        self.schema = schema
        Draft202012Validator.check_schema(schema)
        part = lambda name: dict(schema, oneOf=[{"$ref": "#/$defs/" + name}])
        self.validators = {name: Draft202012Validator(part(name)) for name in [*VERBS, "formats", "verify", "rewrite_document"]}
        self.whole = Draft202012Validator(schema)
        self.problems = []
        self.documents = 0

    def print_of(self, words):
        done = subprocess.run([self.program, *words, "--json"], capture_output=True, text=True)
        if done.returncode not in GOOD_STATUS:
            self.problems.append(f"{words}: exit {done.returncode}: {done.stderr.strip()}")
            return None
        return done.stdout

    def judge(self, name, words):
        text = self.print_of(words)
        if text is None or len(text) > LARGEST_DOCUMENT:
            return None
        document = json.loads(text)
        for error in self.validators[name].iter_errors(document):
            deepest = min(error.context or [error], key=lambda e: -len(e.absolute_path))
            self.problems.append(f"{words}: {'/'.join(map(str, deepest.absolute_path))}: {deepest.message[:300]}")
        self.documents += 1
        return document

    def refuses_unknown_keys(self, name, document):
        for path in objects_of(document):
            changed = copy.deepcopy(document)
            target = changed
            for step in path:
                target = target[step]
            target["undocumented"] = 1
            if self.whole.is_valid(changed):
                self.problems.append(f"the schema lets an unknown key pass in {name}: {path}")


def objects_of(node, path=()):
    """Paths of all objects; of each list the first five elements."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from objects_of(value, path + (key,))
    elif isinstance(node, list):
        for index, value in enumerate(node[:5]):
            yield from objects_of(value, path + (index,))


def judge_pairs(program, judge, corpus):
    """Pairs that are the same, differ in fields, in pages and in blocks, and cannot be compared; files that are rewritten or not."""
    verify = Judge(os.path.join(os.path.dirname(program), "..", "vmstate-upgrade", "vmstate-upgrade"), judge.schema)
    first = os.path.join(corpus, "streams/q72-isapc.migr")
    for other in ("q72-isapc.migr", "q72-isapc-running.migr", "q72-isapc-compress.migr", "q72-isapc-ignore-shared.migr", "q72-pc.migr", "hand-postcopy.migr"):
        document = verify.judge("verify", ["verify", first, os.path.join(corpus, "streams", other)])
        if document is not None:
            verify.refuses_unknown_keys("verify", document)
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(("streams/q72-isapc.migr", "malformed/zero-before-section", "malformed/text-mode-crlf")):
            words = [os.path.join(corpus, name), "-o", os.path.join(folder, str(number))]
            verify.refuses_unknown_keys("rewrite_document", verify.judge("rewrite_document", words))
    judge.problems += verify.problems
    judge.documents += verify.documents


def main(program, schema_path, corpus, folder=None):
    if folder and not os.path.isdir(folder):
        print(f"SKIPPED: there is no {folder}")
        return 77
    with open(schema_path, encoding="ascii") as file:
        judge = Judge(program, json.load(file))
    samples = [os.path.join(corpus, name) for name in ("malformed/text-mode-crlf", "opener_libvirt_save/v2-le-gzip-cut.save")]
    for name, words in VERBS.items():
        for sample in samples:
            judge.refuses_unknown_keys(name, judge.judge(name, [*words, sample]))
    judge.refuses_unknown_keys("formats", judge.judge("formats", ["formats"]))
    judge_pairs(program, judge, corpus)

    jobs = [(name, [*words, path]) for path in files_of(folder or corpus) for name, words in VERBS.items()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: judge.judge(*job), jobs))
    print("\n".join(judge.problems[:40]))
    print(f"{judge.documents} documents, {len(judge.problems)} problems")
    return 1 if judge.problems or judge.documents < len(VERBS) * 100 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
