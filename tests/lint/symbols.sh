#!/bin/sh
# Every global symbol of pkg/P/*.o starts with "P_" (in base: with the file's
# name), and nothing but net reaches the kernel: files, clocks, threads and
# sockets come in through struct env.
set -u
export LC_ALL=C
bad=0

# crash.c reads its trace file's name and kills itself: that is its work.
world='^(time|gettimeofday|clock|clock_gettime|clock_nanosleep|nanosleep|sleep
|usleep|open|open64|openat|openat64|creat|creat64|fopen|fopen64|freopen|fdopen
|opendir|mkdir|rename|unlink|remove|rmdir|mkstemp|mkstemp64|mkdtemp|tmpfile
|stat|stat64|lstat|lstat64|access|ftruncate|ftruncate64|fsync|fdatasync|fcntl
|fcntl64|flock|lockf|pread|pread64|pwrite|pwrite64|getrandom|getentropy
|arc4random|rand|rand_r|random|srand|srandom|drand48|fork|vfork|posix_spawn
|execv|execve|execvp|execl|execlp|system|popen|socket|connect|bind|listen
|accept|accept4|poll|select|epoll_wait|kill|raise|signal|sigaction
|localtime|localtime_r|mktime|tzset
|pthread_create|pthread_mutex_lock|pthread_cond_wait|thrd_create)$'
world=$(printf %s "$world" | tr -d '\n')

for o in "$@"; do
	case $o in
	*_test.o | */cmd/* | cmd/*) continue ;;
	esac
	pkg=$(basename "$(dirname "$o")")
	file=$(basename "$o" .o)
	prefix=$pkg
	[ "$pkg" = base ] && prefix=$file
	out=$(nm -g --defined-only "$o" |
	    awk -v p="${prefix}_" 'NF == 3 && index($3, p) != 1 { print $3 }')
	if [ -n "$out" ]; then
		echo "$o: exports without ${prefix}_:" $out
		bad=1
	fi
	[ "$pkg" = net ] || [ "$pkg/$file" = base/crash ] && continue
	out=$(nm -u "$o" | awk '{ sub(/@.*/, "", $2); print $2 }' |
	    grep -E "$world")
	if [ -n "$out" ]; then
		echo "$o: goes past struct env:" $out
		bad=1
	fi
done
exit $bad
