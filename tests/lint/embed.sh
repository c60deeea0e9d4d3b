#!/bin/sh
# SQL files as C: one {version, "text"} a file, NNNN_name.sql giving NNNN.
set -eu
for f in "$@"; do
	v=$(basename "$f" | sed 's/^0*\([0-9]*\)_.*/\1/')
	printf '{%s,\n' "$v"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$f"
	printf '},\n'
done
