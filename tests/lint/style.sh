#!/bin/sh
# What no tool checks: sizes, guards, scripts that parse, notes to oneself.
set -u
cd "$(dirname "$0")/../.." || exit 2
export LC_ALL=C
bad=0
fail() {
	echo "$*"
	bad=1
}

for f in $(find pkg cmd tests -name '*.[ch]' | sort); do
	lines=$(wc -l <"$f")
	case $f in
	*_test.c) max=1000 ;;
	*) max=600 ;;
	esac
	[ "$lines" -le "$max" ] || fail "$f: $lines lines, at most $max: split it by noun"
	case $f in
	pkg/*.h)
		guard=$(echo "${f#pkg/}" | sed 's/_/-/g' | tr 'a-z/.-' 'A-Z___')
		grep -q "^#ifndef DSRUN_.*_H$" "$f" ||
			fail "$f: no include guard DSRUN_$guard" ;;
	esac
done

grep -rnwE 'TODO|FIXME|HACK' pkg cmd tests --include='*.[ch]' \
	--include='*.py' && fail "finish it or open an issue"
grep -rnE '[[:space:]]+$' pkg cmd tests migrations --include='*.[ch]' \
	--include='*.py' --include='*.sh' --include='*.sql' &&
	fail "space at the end of a line"

for f in $(find tests fixtures .ci -name '*.sh' | sort) tests/peers/setup \
    tests/peers/*/install; do
	sh -n "$f" || fail "$f: does not parse"
done
[ ! -f .ci/run ] || bash -n .ci/run || fail ".ci/run: does not parse"
for f in $(find tests fixtures -name '*.py' | sort); do
	/usr/bin/python3 - "$f" <<-'END' || fail "$f: does not parse"
		import ast, sys
		ast.parse(open(sys.argv[1]).read(), sys.argv[1])
	END
done
exit $bad
