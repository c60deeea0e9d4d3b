#!/bin/sh
# The Lua scripts as C: name, text and SHA-1 of each, in the order given, its
# parts (its first line: "-- use PART ...") in front, comments and indents taken
# away.  part_*.lua are no scripts of their own.
set -eu
here=$(dirname "$0")
for f in "$@"; do
	name=$(basename "$f" .lua)
	case $name in part_*) continue ;; esac
	uses=$(sed -n '1s/^-- use //p' "$f")
	[ -n "$uses" ] || { echo "$f: its first line names no part" >&2; exit 1; }
	text=$(for p in $uses; do
		cat "$here/part_$p.lua"
	done | cat - "$f" | sed -e '/^[[:space:]]*--/d' -e 's/^[[:space:]]*//' \
	    -e '/^$/d')
	printf '{.name = "%s", .stays = true, .sha1 = "%s", .text =\n' "$name" \
	    "$(printf '%s\n' "$text" | sha1sum | cut -c1-40)"
	printf '%s\n' "$text" |
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/'
	printf '},\n'
done
