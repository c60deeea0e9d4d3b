#!/bin/sh
# Install the Debian packages that are missing: tests/bootstrap.sh build lint
# (and bench, java: what tests/peers/setup takes from Debian).
# When neither root nor sudo without a password is at hand, print the one
# command to type and stop.  Does nothing when all is there.
set -eu

want=
for group in "$@"; do
	case $group in
	build)
		want="$want gcc libc6-dev make pkg-config libsqlite3-dev
		    libcjson-dev libyaml-dev libuv1-dev libexpat1-dev libmongoc-dev
		    libcurl4-openssl-dev libssl-dev libhiredis-dev
		    libmp3lame-dev libopus-dev libogg-dev zlib1g-dev
		    libcmocka-dev python3 python3-jsonschema tzdata" ;;
	lint)
		want="$want clang clang-format clang-tidy cppcheck" ;;
	fuzz)
		# libFuzzer and the sanitizers are a package of their own,
		# named by the version of the clang that is there then.
		command -v clang >/dev/null 2>&1 || sh "$0" clang
		version=$(clang -dumpversion)
		want="$want clang libclang-rt-${version%%.*}-dev" ;;
	clang)
		want="$want clang" ;;
	bench)
		want="$want redis-server openssl python3-venv opus-tools mpg123 sox
		    postgresql"
		# Another Node than Debian's will do.
		command -v npm >/dev/null 2>&1 || want="$want nodejs npm" ;;
	java)
		# Another JDK or Maven than Debian's will do.
		{ command -v mvn && command -v javac; } >/dev/null 2>&1 ||
			want="$want default-jdk-headless maven" ;;
	*)
		echo "bootstrap.sh: no such group: $group (build, lint, fuzz," \
		    "bench, java)" >&2
		exit 64 ;;
	esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
	# Not Debian: its names tell what is needed, the build tells the rest.
	command -v pkg-config >/dev/null 2>&1 &&
	    pkg-config --exists sqlite3 libcjson yaml-0.1 libuv expat libmongoc-1.0 cmocka && exit 0
	echo "bootstrap.sh: this is no Debian; install what these hold:" $want >&2
	exit 1
fi

missing=
for p in $want; do
	state=$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)
	case $state in
	*" installed") ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
	as=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	as="sudo -n"
else
	echo "These packages are missing:$missing" >&2
	echo "Type this, then try again:" >&2
	echo "    sudo sh -c 'apt-get update && $install'" >&2
	exit 1
fi

echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# An old list of packages may do; the install says so when it does not.
$as env DEBIAN_FRONTEND=noninteractive apt-get update </dev/null >"$log" 2>&1 ||
	true
# RUNLEVEL=1: no service is started.  Tests start a server of their own.
if ! $as env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive $install </dev/null \
    >>"$log" 2>&1
then
	cat "$log" >&2
	echo "bootstrap.sh: could not run: $install" >&2
	exit 1
fi
case " $missing " in
*" redis-server "*)
	# Where systemd runs it does not ask for the runlevel.
	[ ! -d /run/systemd/system ] ||
	    $as systemctl --quiet disable --now redis-server </dev/null ;;
esac
