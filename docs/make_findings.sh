#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#   make_findings.sh           writes docs/findings.md from formats/base/finding_codes.def
#   make_findings.sh --check   says whether it is up to date
set -euo pipefail
docs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list=$docs/../formats/base/finding_codes.def

generate() {
  awk '
    # "//   01xx layers around the stream · 02xx …": the headings of the groups.
    /^\/\/ +[0-9][0-9]xx / {
      sub(/^\/\/ +/, "")
      for (n = split($0, groups, / · /); n > 0; --n) heading[substr(groups[n], 1, 2)] = substr(groups[n], 6)
      next
    }
    /^\/\// { next }
    { entry = entry $0 }
    /\)[ \t]*$/ && entry ~ /^VMS_FINDING\(/ { write(entry); entry = "" }

    function write(entry,  code, group, words, texts) {
      sub(/^VMS_FINDING\(/, "", entry)
      split(entry, words, /, */)
      code = sprintf("%04d", words[1])
      gsub(/\\"/, "\001", entry)      # a quote inside a text
      split(entry, texts, "\"")
      gsub("\001", "\"", texts[2]); gsub("\001", "\"", texts[4])
      group = substr(code, 1, 2)
      if (group != last) printf "\n## VMS%sxx: %s\n", group, heading[group]
      last = group
      printf "\n### VMS%s %s\n\n*%s* · `%s`\n\n%s\n", code, texts[2], words[3], words[2], texts[4]
    }
    BEGIN {
      print "# Findings"
      print ""
      print "Every finding the tools can make. Codes are contract: they are never renumbered and never reused."
      print "`--fail-on` compares with the severity. This page is generated from `formats/base/finding_codes.def` by"
      print "`docs/make_findings.sh`."
    }' "$list"
}

if [[ ${1:-} == --check ]]; then
  diff -u "$docs/findings.md" <(generate) || { echo 'docs/findings.md is out of date: run docs/make_findings.sh'; exit 1; }
else
  generate >"$docs/findings.md"
fi
