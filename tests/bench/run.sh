#!/bin/sh
# make bench: tests/bench/run.sh BUILD [OPTIONS], see bench.py.
exec /usr/bin/python3 "$(dirname "$0")/bench.py" "$@"
