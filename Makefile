# One Makefile; it calls itself only for variants of the build.
#   V=1 shows commands, B=<dir> builds elsewhere, PKGS="base json" takes a part
#   of the tree alone.  `make help` lists what can be asked for.
CC      ?= cc
B       ?= build
PREFIX  ?= /usr/local
CSTD     = -std=c11 -D_GNU_SOURCE
WARN     = -Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion \
	   -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	   -Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings \
	   -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough \
	   -Wnull-dereference -Wdouble-promotion -Wdate-time -Wredundant-decls
GCCWARN  = -Wlogical-op -Wduplicated-cond -Wduplicated-branches \
	   -Wjump-misses-init -Wtrampolines -Walloc-zero
HARDEN   = -O2 -g -fstack-protector-strong -fstack-clash-protection \
	   -fno-strict-aliasing -fno-common -D_FORTIFY_SOURCE=2 -fPIE
SAN      = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	   -fno-omit-frame-pointer $(NOFLOW)
# Flow warnings guess wrong where the sanitizers add branches, or nothing is
# optimized (cover); lint, which
# builds without them, keeps these warnings.
NOFLOW   = -Wno-maybe-uninitialized -Wno-null-dereference \
	   -Wno-format-truncation -Wno-unknown-warning-option
CFLAGS  ?= $(HARDEN)
LDFLAGS ?= -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LIBS     = sqlite3 libcjson yaml-0.1 libuv expat hiredis
# Loaded when first used (base/dynlib.h): only their headers are needed here.
LIBS_DYN = libmongoc-1.0 libssl
LIBS_H  := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(LIBS) $(LIBS_DYN) 2>/dev/null))
LIBS_L  := $(shell pkg-config --libs $(LIBS) 2>/dev/null)
CPPFLAGS = -Ipkg -I$(B) -MMD -MP $(LIBS_H)
ifneq (,$(findstring Free Software,$(shell $(CC) --version 2>/dev/null)))
WARN    += $(GCCWARN)
endif
LDLIBS   = $(LIBS_L) -lm -lpthread
# The program has SQLite in it where its archive is installed: the shared one
# has 1,238 references into itself, which the loader would look up by name at
# each start, half of what it does for us.
SQLITE_A := $(filter /%,$(shell $(CC) -print-file-name=libsqlite3.a))
PROGLIBS = $(if $(SQLITE_A),$(patsubst -lsqlite3,$(SQLITE_A),$(LDLIBS)),$(LDLIBS))
# What tests alone are linked with; OpenSSL is the scripted peer's.
TEST_LIBS = -lcmocka -lssl -lcrypto
Q        = $(if $(V),,@)
PYTHON   = /usr/bin/python3

# As many jobs as there are cores, unless -j was given.
ifeq (0,$(MAKELEVEL))
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
MAKEFLAGS += --no-print-directory

PKGS    ?= $(notdir $(wildcard pkg/*))
SRC      = $(filter-out %_test.c,$(wildcard $(PKGS:%=pkg/%/*.c)))
TEST_SRC = $(wildcard $(PKGS:%=pkg/%/*_test.c))
CMD_SRC  = $(filter-out %_test.c,$(wildcard cmd/dsrun/*.c cmd/dsrun/*/*.c))
CMD_TEST = $(if $(filter file,$(origin PKGS)),$(wildcard cmd/dsrun/*_test.c))
BENCH    = $(wildcard tests/bench/*.c)
SOAK     = $(wildcard tests/soak/*.c)
STORE    = $(wildcard tests/store/*.c tests/queue/*.c)
SIM_MAIN = $(wildcard tests/sim/sim_main.c)
SIM_SRC  = $(filter-out %_test.c $(SIM_MAIN),$(wildcard tests/sim/*.c))
SIM_TEST = $(if $(filter file,$(origin PKGS)),$(wildcard tests/sim/*_test.c))
FUZZ_SRC = $(if $(filter file,$(origin PKGS)),$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_ALL = $(if $(FUZZ_SRC),$(wildcard tests/fuzz/*.c))
HEADERS  = $(wildcard pkg/*/*.h cmd/dsrun/*.h cmd/dsrun/*/*.h tests/*/*.h)
OBJ      = $(SRC:%.c=$(B)/%.o)
CMD_OBJ  = $(CMD_SRC:%.c=$(B)/%.o)
FUZZERS  = $(FUZZ_SRC:%.c=$(B)/%)
TESTS    = $(TEST_SRC:%.c=$(B)/%) $(CMD_TEST:%.c=$(B)/%) \
	   $(SIM_TEST:%.c=$(B)/%) $(FUZZERS)
BENCHES  = $(BENCH:%.c=$(B)/%)
SOAKS    = $(SOAK:%.c=$(B)/%)
STORES   = $(STORE:%.c=$(B)/%)
SIM      = $(SIM_MAIN:tests/sim/sim_main.c=$(B)/tests/sim/sim)
ALL_SRC  = $(SRC) $(TEST_SRC) $(CMD_SRC) $(CMD_TEST) $(BENCH) \
	   $(SOAK) $(STORE) $(SIM_SRC) $(SIM_TEST) $(SIM_MAIN) $(FUZZ_ALL)
LIB      = $(B)/libdsrun.a
SIM_LIB  = $(B)/libsim.a

all: $(B)/dsrun ## build the program into $(B)/dsrun

$(B)/dsrun: $(CMD_OBJ) $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PROGLIBS)

$(LIB): $(OBJ)
	$(Q)rm -f $@ && $(AR) crs $@ $^

$(TEST_SRC:%.c=$(B)/%): %: %.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(TEST_LIBS)

$(CMD_TEST:%.c=$(B)/%): %: %.o $(filter-out %/main.o,$(CMD_OBJ)) $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(TEST_LIBS)

$(BENCHES) $(SOAKS) $(STORES): %: %.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The simulator.  A test of it takes from the library what it needs and brings
# the rest, such as a sim_gate of its own.
$(SIM_SRC:%.c=$(B)/%.o) $(SIM_MAIN:%.c=$(B)/%.o) \
    $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/*_test.c)): \
    CPPFLAGS += -Itests/sim -Icmd/dsrun

$(SIM_LIB): $(SIM_SRC:%.c=$(B)/%.o)
	$(Q)rm -f $@ && $(AR) crs $@ $^

$(patsubst %.c,$(B)/%,$(wildcard tests/sim/*_test.c)): %: %.o $(SIM_LIB) $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(TEST_LIBS)

# With the library's archive where there is one: the same SQLite, without the
# detours between libraries that a shared one takes at every call.
SQLITE_A = $(wildcard $(shell pkg-config --variable=libdir sqlite3 2>/dev/null)/libsqlite3.a)
SIM_WRAPS = sqlite3_open_v2 sqlite3_exec sqlite3_prepare_v3 sqlite3_close_v2
$(SIM): $(B)/tests/sim/sim_main.o $(SIM_LIB) $(B)/cmd/dsrun/wire_sim_log.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(SIM_WRAPS:%=-Wl,--wrap=%) -o $@ $^ \
	    $(if $(SQLITE_A),$(patsubst -lsqlite3,$(SQLITE_A),$(LDLIBS)) -ldl,$(LDLIBS))

# With a main of their own that tries the kept inputs; make fuzz has libFuzzer's.
FUZZ_MAIN = $(B)/tests/fuzz/replay.o
$(FUZZERS): %: %.o $(B)/tests/fuzz/mem_env.o $(FUZZ_MAIN) $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c $(B)/flags
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(CPPFLAGS) $(WARN) $(CFLAGS) -c -o $@ $<

# Rewritten only when something changed, so that another compiler or other
# flags in the same folder build anew.
$(B)/flags: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(CC) $(CSTD) $(WARN) $(CFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(CSTD) $(WARN) $(CFLAGS)' > $@
# Where it is installed is compiled in: `make` and then another PREFIX.
$(B)/prefix: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' > $@
$(B)/pkg/conf/conf.o: $(B)/prefix

# Migrations, embedded: one string a file, in order.
$(B)/journal_migrations.inc: $(wildcard migrations/*.sql) tests/lint/embed.sh
	$(Q)mkdir -p $(@D) && tests/lint/embed.sh migrations/*.sql > $@.tmp && mv $@.tmp $@
$(B)/pkg/journal/journal_schema.o: $(B)/journal_migrations.inc

# Lua for Redis, embedded: one string a script.
$(B)/bull_scripts.inc: $(wildcard pkg/bull/lua/*)
	$(Q)mkdir -p $(@D) && pkg/bull/lua/embed.sh pkg/bull/lua/*.lua > $@.tmp && mv $@.tmp $@
$(B)/pkg/bull/bull.o: $(B)/bull_scripts.inc

$(B)/pkg/conf/conf.o: CPPFLAGS += -DDSRUN_PREFIX='"$(PREFIX)"'

# What the program knows of its own making.  A clock that stands before
# DSRUN_BUILD_MS is wrong, so it is the last commit's time, or
# SOURCE_DATE_EPOCH, and not the moment of this build.
KNOWS_BUILD := $(shell grep -lsE 'DSRUN_(COMMIT|BUILD_MS)' $(CMD_SRC) /dev/null)
$(KNOWS_BUILD:%.c=$(B)/%.o): $(B)/build_info.h
$(KNOWS_BUILD:%.c=$(B)/%.o): CPPFLAGS += -include $(B)/build_info.h
$(B)/build_info.h: FORCE
	$(Q)mkdir -p $(@D) && tests/lint/build_info.sh > $@.tmp && \
	    { cmp -s $@.tmp $@ && rm -f $@.tmp || mv $@.tmp $@; }

# --- Tests -------------------------------------------------------------------

SCRIPTS  = --scripts tests/lint --scripts tests/sim --scripts tests/scenario \
	   --scripts tests/queue --scripts tests/store

unit: $(TESTS) ## unit tests of pkg/ (PKGS="base net" takes some of them)
	$(Q)$(PYTHON) tests/run.py $(TESTS)

# Tests linked with a copy of the state tables that can be mutated.
MUTATE   = $(B)/mutate
MUTATED  = $(TEST_SRC:%.c=$(MUTATE)/%)
MUTANTS  = $(filter $(if $(BEHAVIOUR),$(MUTATE)/pkg/journal/% \
	   $(MUTATE)/pkg/run/%,$(MUTATE)/pkg/job/%),$(MUTATED))

# bootstrap first: what pkg-config answers is read when make starts.
test: ## everything a developer must see green, on a bare machine too
	$(Q)tests/bootstrap.sh build
	$(Q)$(MAKE) test-built
test-built: $(B)/dsrun $(SIM) $(TESTS) $(MUTANTS) $(STORES)
	$(Q)$(PYTHON) tests/run.py --dsrun $(B)/dsrun $(SCRIPTS) \
	    --scripts tests/mutate $(TESTS)

demo: ## build, then call 200 contacts on the simulated network
	$(Q)tests/bootstrap.sh build
	$(Q)$(MAKE) demo-built
demo-built: $(B)/dsrun
	$(Q)if test -f fixtures/demo.sh; then sh fixtures/demo.sh $(B); \
	    else echo "fixtures/demo.sh is missing" >&2; exit 1; fi

san: ## unit tests under AddressSanitizer and UBSan
	$(Q)$(MAKE) B=$(B)-san CFLAGS="$(SAN)" LDFLAGS="-fsanitize=address,undefined" unit

# Coverage-guided, under the sanitizers; what was found on the way is kept in
# the build folder and begun with next time.
FUZZ         = $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_SECONDS = 60
FUZZ_RUNS    = 10000000
FUZZ_BUILD   = B=$(B)-fuzz CC=clang FUZZ_MAIN= \
	       CFLAGS="$(SAN:-O1=-O2) -fsanitize=fuzzer-no-link \
	       -fsanitize-coverage-ignorelist=tests/fuzz/uncovered" \
	       LDFLAGS="-fsanitize=fuzzer,address,undefined"
fuzz: ## every fuzzer for FUZZ_SECONDS=60 (FUZZ="json conf": some of them)
	$(Q)tests/bootstrap.sh build fuzz
	$(Q)$(MAKE) $(FUZZ_BUILD) FUZZ_LIMIT="--seconds $(FUZZ_SECONDS)" fuzz-built
fuzz-nightly: ## every fuzzer for FUZZ_RUNS=10000000 inputs
	$(Q)tests/bootstrap.sh build fuzz
	$(Q)$(MAKE) $(FUZZ_BUILD) FUZZ_LIMIT="--runs $(FUZZ_RUNS)" fuzz-built
fuzz-built: $(FUZZ:%=$(B)/tests/fuzz/fuzz_%)
	$(Q)$(PYTHON) tests/fuzz/run.py $(FUZZ_LIMIT) $(B) $(FUZZ)
fuzz-corpus: $(FUZZERS) ## the kept inputs of every fuzzer, once (part of test)
	$(Q)$(PYTHON) tests/run.py $(FUZZERS)

# The simulator: a seed is a run of several dsruns on one simulated machine.
SEEDS = 10000
FIRST = 1
sim: $(SIM) ## SEEDS=10000 simulated runs under faults, from seed FIRST=1
	$(Q)$(SIM) seeds --first $(FIRST) --seeds $(SEEDS) --jobs $$(nproc)
faults: $(SIM) ## one fault at every external call, pairs of faults, controls
	$(Q)$(SIM) controls
	$(Q)$(SIM) pairs --seeds 20000 --jobs $$(nproc)
	$(Q)$(SIM) faults --jobs $$(nproc)

mutate: $(MUTANTS) ## each row of the state tables flipped: a test must fail
	$(Q)$(PYTHON) tests/mutate/mutate.py $(if $(BEHAVIOUR),--behaviour) $^
$(MUTATED): $(MUTATE)/%: $(B)/%.o $(MUTATE)/job_state.o $(LIB)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(TEST_LIBS)
$(MUTATE)/job_state.c: pkg/job/job_state.c tests/mutate/mutate.py
	$(Q)mkdir -p $(@D) && $(PYTHON) tests/mutate/mutate.py --write $@
$(MUTATE)/job_state.o: $(MUTATE)/job_state.c $(B)/flags
	$(Q)$(CC) $(CSTD) $(CPPFLAGS) $(WARN) $(CFLAGS) -c -o $@ $<

# Each guard of guards_table.py taken out of a copy of the tree, which is built
# and run: some ten minutes; GUARDS="03 07" takes those whose names begin so.
GUARD_SEEDS = 5000
mutate-guards: ## each guard of dsrun taken out: a seed or a test must fail
	$(Q)$(PYTHON) tests/mutate/guards.py --cc "$(CC)" --seeds $(GUARD_SEEDS) \
	    --keep $(B)-guards $(GUARDS)

# What counts for coverage: a program or a folder of scripts more is a word
# more here.
COVERS        = $(TESTS) $(SIM)
COVER_SCRIPTS = --scripts tests/sim --scripts tests/scenario
cover: ## branches of journal, job and run; each not taken has its reason
	$(Q)$(MAKE) B=$(B)-cover CFLAGS="-O0 -g --coverage $(NOFLOW)" \
	    LDFLAGS="--coverage" cover-built
cover-built: $(B)/dsrun $(COVERS)
	$(Q)find $(B) -name '*.gcda' -delete
	$(Q)FAULT_STRIDE=5 $(PYTHON) tests/run.py --dsrun $(B)/dsrun \
	    $(COVER_SCRIPTS) $(filter-out $(SIM),$(COVERS))
	$(Q)$(PYTHON) tests/cover.py $(B) --gaps tests/cover.gaps

bench: ## how fast it is, beside SQLite and real queues (tests/peers/setup)
	$(Q)tests/bootstrap.sh build
	$(Q)$(MAKE) bench-built
bench-built: $(B)/dsrun $(BENCHES) $(B)/tests/store/s3_driver
	$(Q)tests/bench/run.sh $(B)

SOAK_MINUTES = 30
soak: ## SOAK_MINUTES=30 of 30 calls at once under kills: must stay flat
	$(Q)tests/bootstrap.sh build
	$(Q)$(MAKE) soak-built
soak-built: $(B)/dsrun $(SOAKS)
	$(Q)$(PYTHON) tests/soak/soak.py --minutes $(SOAK_MINUTES) $(B)

# --- Lint --------------------------------------------------------------------

LINTS    = layers symbols style format cppcheck tidy gcc clang
lint: ## layers, symbols, style, format, cppcheck, clang-tidy, both compilers
	$(Q)tests/bootstrap.sh build lint
	$(Q)$(MAKE) -k $(LINTS:%=lint-%)
	@echo "lint: $(words $(LINTS)) checks passed"

lint-layers:
	$(Q)tests/lint/layers.sh
lint-symbols: $(OBJ)
	$(Q)tests/lint/symbols.sh $^
lint-style:
	$(Q)tests/lint/style.sh
lint-format:
	$(Q)clang-format --dry-run -Werror $(ALL_SRC) $(HEADERS)
lint-cppcheck: $(B)/journal_migrations.inc $(B)/bull_scripts.inc
	$(Q)mkdir -p $(B)/cppcheck
	$(Q)cppcheck --quiet --cppcheck-build-dir=$(B)/cppcheck -j $$(nproc) \
	    --std=c11 -D_GNU_SOURCE -D__x86_64__ -Ipkg -Itests/sim -Icmd/dsrun -I$(B) \
	    --enable=warning,performance,portability --inline-suppr \
	    --suppressions-list=tests/lint/cppcheck --error-exitcode=1 \
	    --template='{file}:{line}: {severity}: {message} [{id}]' \
	    $(ALL_SRC)
lint-tidy: $(SRC:%.c=$(B)/tidy/%.ok) $(CMD_SRC:%.c=$(B)/tidy/%.ok)
$(B)/tidy/%.ok: %.c .clang-tidy $(HEADERS) $(B)/journal_migrations.inc $(B)/bull_scripts.inc $(B)/build_info.h
	$(Q)mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- $(CSTD) $(filter-out -MMD -MP,$(CPPFLAGS)) \
	    >$@.err 2>&1 || { grep -E '(error|warning):' $@.err; exit 1; }
	$(Q)rm -f $@.err && touch $@
# The build itself, where its compiler is gcc.
ifeq ($(shell readlink -f "$$(command -v $(firstword $(CC)))"),$(shell readlink -f "$$(command -v gcc)"))
lint-gcc: compile
else
lint-gcc:
	$(Q)$(MAKE) B=$(B)-gcc CC=gcc compile
endif
lint-clang:
	$(Q)$(MAKE) B=$(B)-clang CC=clang CFLAGS=-O0 compile
compile: $(ALL_SRC:%.c=$(B)/%.o)

analyze: ## gcc's -fanalyzer over the program (slow)
	$(Q)$(MAKE) B=$(B)-analyze CC=gcc CFLAGS="-O1 -g -fanalyzer" analyze-built
analyze-built: $(OBJ) $(CMD_OBJ)

fmt: ## clang-format everything in place
	$(Q)clang-format -i $(ALL_SRC) $(HEADERS)

# --- The rest ----------------------------------------------------------------

SHARE    = $(DESTDIR)$(PREFIX)/share/dsrun
install: $(B)/dsrun ## into DESTDIR and PREFIX (/usr/local)
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)
	$(Q)install -m 755 $(B)/dsrun $(DESTDIR)$(PREFIX)/bin/dsrun
	$(Q)set -e; for d in fixtures/personas fixtures/speech jobs rules; do \
	    test -d $$d || continue; \
	    (find $$d -type f) | while read -r f; do \
	        install -D -m 644 "$$f" "$(SHARE)/$${f#fixtures/}"; done; done
	$(Q)set -e; for f in crontab.example dsrun.yaml; do \
	    test ! -f $$f || install -m 644 $$f $(SHARE)/$$f; done
	$(Q)set -e; c=$(DESTDIR)$(PREFIX)/share; \
	    put() { $(B)/dsrun completion $$1 > $(B)/completion.$$1 2>/dev/null || return 0; \
	        install -D -m 644 $(B)/completion.$$1 "$$c/$$2"; }; \
	    put bash bash-completion/completions/dsrun; \
	    put zsh zsh/site-functions/_dsrun; \
	    put fish fish/vendor_completions.d/dsrun.fish

clean: ## remove everything that was built
	$(Q)rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | \
	    sed 's|$$(B)|$(B)|' | expand -t 20

.PHONY: all unit test test-built demo demo-built san fuzz fuzz-nightly \
	fuzz-built fuzz-corpus mutate mutate-guards cover cover-built bench \
	bench-built soak soak-built lint $(LINTS:%=lint-%) compile analyze analyze-built fmt install clean \
	help FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(ALL_SRC:%.c=$(B)/%.d)
