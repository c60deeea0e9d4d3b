# One Makefile, no recursion but for variants.  V=1 shows commands, B=<dir>
# builds elsewhere.  `make help` lists what can be asked for.
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
	   -fno-omit-frame-pointer
CFLAGS  ?= $(HARDEN)
LDFLAGS ?= -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LIBS     = sqlite3 libcjson yaml-0.1 libuv
CPPFLAGS = -Ipkg -I$(B) -MMD -MP \
	   $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(LIBS) 2>/dev/null))
ifneq (,$(findstring Free Software,$(shell $(CC) --version 2>/dev/null)))
WARN    += $(GCCWARN)
endif
LDLIBS   = $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm -lpthread
Q        = $(if $(V),,@)

# PKGS="base json" builds and tests a part of the tree alone.
PKGS    ?= $(notdir $(wildcard pkg/*))
SRC      = $(filter-out %_test.c,$(wildcard $(PKGS:%=pkg/%/*.c)))
TEST_SRC = $(wildcard $(PKGS:%=pkg/%/*_test.c))
CMD_SRC  = $(wildcard cmd/dsrun/*.c)
HEADERS  = $(wildcard pkg/*/*.h cmd/dsrun/*.h)
OBJ      = $(SRC:%.c=$(B)/%.o)
TESTS    = $(TEST_SRC:%.c=$(B)/%)
LIB      = $(B)/libdsrun.a

all: $(B)/dsrun

$(B)/dsrun: $(CMD_SRC:%.c=$(B)/%.o) $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(OBJ)
	$(Q)rm -f $@ && $(AR) crs $@ $^

$(B)/%_test: $(B)/%_test.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(B)/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(CPPFLAGS) $(WARN) $(CFLAGS) -c -o $@ $<

# Migrations, embedded: one string a file, in order.
$(B)/journal_migrations.inc: $(wildcard migrations/*.sql) tests/lint/embed.sh
	$(Q)mkdir -p $(@D) && tests/lint/embed.sh migrations/*.sql > $@.tmp && mv $@.tmp $@
$(B)/pkg/journal/journal_schema.o: $(B)/journal_migrations.inc

unit: $(TESTS)
	$(Q)set -e; for t in $(TESTS); do $$t; done

fmt:
	$(Q)clang-format -i $(SRC) $(TEST_SRC) $(CMD_SRC) $(HEADERS)

clean:
	$(Q)rm -rf build build-*

.PHONY: all unit fmt clean
-include $(OBJ:.o=.d) $(TESTS:=.d) $(CMD_SRC:%.c=$(B)/%.d)
.SECONDARY:
