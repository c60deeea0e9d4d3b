#!/bin/sh
# The commit this tree is at and its time, as a header; without git the time
# is SOURCE_DATE_EPOCH or, last, now.
set -eu
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
at=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
printf '#define DSRUN_COMMIT "%s"\n#define DSRUN_BUILD_MS INT64_C(%s000)\n' \
	"$commit" "$at"
