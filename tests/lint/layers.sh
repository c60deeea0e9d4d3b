#!/bin/sh
# Fails when a file includes a package its line in tests/lint/layers does not
# name, another package's _priv.h, or a library that another package owns.
set -u
cd "$(dirname "$0")/../.." || exit 2
export LC_ALL=C

find pkg cmd -name '*.[ch]' | sort | xargs awk '
function fail(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	bad = 1
}
# May a file of package own include header (path without .h)?
function allowed(own, header, test,    pkg) {
	pkg = header
	sub(/\/.*/, "", pkg)
	if (pkg == own || ok[own, pkg] || ok[own, header])
		return 1
	return test && (ok[own " test", pkg] || ok[own " test", header] ||
	    ok["* test", header])
}
BEGIN {
	while ((getline line < "tests/lint/layers") > 0) {
		if (line ~ /^#/ || line == "")
			continue
		who = line
		sub(/:.*/, "", who)
		known[who] = 1
		sub(/^[^:]*:/, "", line)
		n = split(line, part, " ")
		for (i = 1; i <= n; i++)
			ok[who, part[i]] = 1
	}
	while ((getline line < "tests/lint/libraries") > 0)
		if (line !~ /^#/ && split(line, part, "\t") == 2)
			owner[part[1]] = part[2]
}
FNR == 1 {
	split(FILENAME, part, "/")
	own = part[1] == "cmd" ? "cmd" : part[2]
	test = FILENAME ~ /_test\.[ch]$/
	if (!(own in known))
		fail("tests/lint/layers has no line for " own)
}
/^#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	header = part[2]
	sub(/\.h$/, "", header)
	# Without a folder it is the file'"'"'s own.
	if (header !~ /\// || (own == "cmd" && header ~ /^(\.\.|words)\//))
		next
	if (!allowed(own, header, test) &&
	    !(FILENAME ~ /^cmd\/dsrun\/wire(_[a-z_]+)?\.c$/ &&
	    ok["cmd wire", substr(header, 1, index(header, "/") - 1)]))
		fail(own " may not include " header ".h")
	if (header ~ /_priv$/ && header !~ ("^" own "/") && own != "cmd")
		fail(header ".h is private to its package")
	if (header ~ /\.c$/)
		fail("a .c file is no header")
}
/^#[ \t]*include[ \t]*</ {
	header = $0
	sub(/^[^<]*</, "", header)
	for (lib in owner)
		if (header ~ ("^" lib) && own != owner[lib])
			fail("only " owner[lib] " may include <" header)
	if (header ~ /^cmocka/ && !test)
		fail("only tests may include <cmocka.h>")
}
END { exit bad }
' || exit 1
