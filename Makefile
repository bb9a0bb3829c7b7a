# SPDX-License-Identifier: Apache-2.0
# The only build file; everything it makes goes to $(BUILD). V=1 shows the commands.
#   make            the three programs          make check   every test
#   make run        watch this host, live       make lab     a small estate in network namespaces
#   make check-kernels  the same on other kernels, under emulation
#   make alive-long     100 real hosts that fail one after the other
#   make bench-serf     this beside Debian's serf, 100 hosts
#   make sim | sim-long | sim-alive | sim-alive-long | crash | crash-long | model | fuzz
#   make coverage | bench | lint
#   make install | uninstall | deps | clean

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VERSION := 0.2.0
BUILD   ?= build
OBJ     := $(BUILD)/obj
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR    ?=

BUILD_PACKAGES := gcc clang llvm make pkg-config bpftool libbpf-dev libelf-dev zlib1g-dev \
	libsodium-dev libnl-3-dev liblldpctl-dev libjansson-dev libsqlite3-dev \
	libev-dev uthash-dev libinih-dev libsmartcols-dev libcap-ng-dev libseccomp-dev \
	libcurl4-openssl-dev
TEST_PACKAGES := libcmocka-dev lldpd nginx-light postgresql redis-server redis-tools \
	openssh-server openssh-client dnsmasq-base bind9-dnsutils curl iproute2 nftables python3 \
	libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck universal-ctags mandoc \
	liburing-dev libcap2-bin procps strace systemd spin
RUN_PACKAGES := lldpd
BENCH_PACKAGES := serf

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
	-Wformat=2 -Wvla -Werror
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
OPTIMIZE ?= -O2
CFLAGS   += -std=c11 -g $(OPTIMIZE) $(WARNINGS)
CPPFLAGS += -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' -I. -I$(OBJ)
CPPFLAGS += $(shell pkg-config --cflags libnl-3.0 2>/dev/null)
LDFLAGS  += -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections -pie
CFLAGS   += -ffunction-sections -fdata-sections
ifdef SANITIZE
CC       := $(CLANG)
CFLAGS   += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS  += -fsanitize=address,undefined
OPTIMIZE := -O1
HARDEN   := -fPIE
CPPFLAGS += -DSANDBOX_REPORTS
endif
ifdef COVERAGE
CFLAGS   += --coverage
LDFLAGS  += --coverage
OPTIMIZE := -O0
HARDEN   := -fPIE
CPPFLAGS += -DSANDBOX_REPORTS
endif
CFLAGS   += $(HARDEN)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# ---- sources: a folder is a layer, found by wildcard -------------------------------------------
LAYERS       := base wire discover agent cma cli
sources_base     := $(wildcard base/*.c)
sources_wire     := $(wildcard wire/*.c)
sources_discover := $(wildcard discover/*.c)
sources_agent    := $(filter-out agent/main.c,$(wildcard agent/*.c))
sources_cma      := $(filter-out cma/main.c,$(wildcard cma/*.c cma/*/*.c cma/*/*/*.c))
sources_cli      := $(filter-out cli/main.c,$(wildcard cli/*.c))
archives         := $(foreach l,cli agent cma discover wire base,$(BUILD)/$(l).a)

libs_base     := -linih -ljansson -lcap-ng -lseccomp
libs_wire     := -lsodium -lz
libs_discover := -llldpctl -lnl-3
libs_agent    := -lbpf -lelf -lev
libs_cma      := -lsqlite3 -lev -lcurl -lpthread
libs_cli      := -lsmartcols
libs_all      := $(foreach l,agent discover cma cli wire base,$(libs_$(l))) -lm

.PHONY: all
all: missing $(BUILD)/nanoprobe $(BUILD)/cma $(BUILD)/cmactl

link = $(Q)rm -rf $@ && mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(1) -lm

# The nanoprobe takes its libraries as archives where there are any (STATIC= for none): a shared
# library costs a host the pages that it alone uses of it. See docs/decisions.md, Footprint.
STATIC  ?= 1
archive  = $(notdir $(wildcard $(shell $(CC) -print-file-name=lib$(1).a)))
prefer_archives = $(foreach l,$(1:-l%=%),$(if $(and $(STATIC),$(call archive,$(l))),-l:lib$(l).a,-l$(l)))

$(BUILD)/nanoprobe: $(OBJ)/agent/main.o $(foreach l,agent discover wire base,$(BUILD)/$(l).a)
	$(call say,LINK,$@)
	$(call link,$(call prefer_archives,$(libs_agent) $(libs_discover) $(libs_wire) $(libs_base)))
$(BUILD)/cma: $(OBJ)/cma/main.o $(foreach l,cma wire base,$(BUILD)/$(l).a)
	$(call say,LINK,$@)
	$(call link,$(libs_cma) $(libs_wire) $(libs_base))
$(BUILD)/cmactl: $(OBJ)/cli/main.o $(foreach l,cli wire base,$(BUILD)/$(l).a)
	$(call say,LINK,$@)
	$(call link,$(libs_cli) $(libs_wire) $(libs_base))

define layer_archive
$(BUILD)/$(1).a: $(patsubst %.c,$(OBJ)/%.o,$(sources_$(1))) $(if $(filter cma,$(1)),$(OBJ)/cma/embedded.o)
	$$(call say,AR,$$@)
	$(Q)rm -f $$@ && mkdir -p $$(@D) && $(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_archive,$(l))))

$(OBJ)/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(OBJ)/%.o: $(OBJ)/%.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(BUILD) -path $(BUILD)/kernels -prune -o -name '*.d' -type f -print 2>/dev/null)

# The paths that are compiled in: given anew, what holds them is made anew.
.PHONY: FORCE
$(BUILD)/paths: FORCE
	$(Q)mkdir -p $(@D) && echo '$(PREFIX) $(SYSCONFDIR)' | cmp -s - $@ || \
		echo '$(PREFIX) $(SYSCONFDIR)' > $@
$(patsubst %.c,$(OBJ)/%.o,$(shell grep -lw SYSCONFDIR */*.c)): $(BUILD)/paths

# Canned queries and rules are compiled in: one C array from all .sql files.
$(OBJ)/cma/embedded.c: $(wildcard cma/queries/*.sql cma/graph/*.sql cma/rules/*.sql cma/alert/*.sql) tools/embed-sql.sh
	$(call say,EMBED,$@)
	$(Q)mkdir -p $(@D) && tools/embed-sql.sh $(filter %.sql,$^) > $@

# ---- kernel programs: one object per subject, linked into one skeleton -------------------------
BPF_ARCH := $(subst x86_64,x86,$(subst aarch64,arm64,$(shell uname -m)))
bpf_objects := $(patsubst %.c,$(OBJ)/%.o,$(wildcard bpf/*.bpf.c))

$(OBJ)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h vmlinux/*.h) Makefile
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -g -O2 -mcpu=v3 -Wall \
		-Wextra -Wno-unused-parameter -Werror -I. -c -o $@ $<
$(OBJ)/bpf/nanoprobe.linked.o: $(bpf_objects)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^
$(OBJ)/bpf/nanoprobe.skel.h: $(OBJ)/bpf/nanoprobe.linked.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name nanoprobe_bpf > $@
# Whoever includes the skeleton needs it made first.
$(foreach f,$(shell grep -l 'nanoprobe.skel.h' agent/*.c 2>/dev/null),\
	$(eval $(OBJ)/$(f:.c=.o): $(OBJ)/bpf/nanoprobe.skel.h))

# ---- packages ----------------------------------------------------------------------------------
.PHONY: missing deps deps-test
missing:
	@tools/packages.sh missing $(BUILD_PACKAGES)
deps:
	@tools/packages.sh install $(BUILD_PACKAGES) $(RUN_PACKAGES)
deps-test:
	@tools/packages.sh install $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)

# ---- tests -------------------------------------------------------------------------------------
unit_tests  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
sim_tests   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/sim/test_*.c))
alive_tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/sim/alive/test_*.c))
crash_tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/crash/crash_*.c))
fuzz_replay := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
test_tools  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/system/*.c tests/bench/*.c tests/kernels/*.c))
test_support = $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/support/*.c))
unit_support = $(patsubst %.c,$(OBJ)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
crash_support = $(patsubst %.c,$(OBJ)/%.o,$(filter-out tests/crash/crash_%,$(wildcard tests/crash/*.c)))
sim_support  = $(patsubst %.c,$(OBJ)/%.o,$(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c)))
alive_support = $(patsubst %.c,$(OBJ)/%.o,$(filter-out tests/sim/alive/test_%,$(wildcard tests/sim/alive/*.c)))

$(unit_tests): $(BUILD)/tests/unit/%: $(OBJ)/tests/unit/%.o $(unit_support) $(archives)
	$(call say,LINK,$@)
	$(call link,$(libs_all) -lcmocka -luring)
$(sim_tests): $(BUILD)/tests/sim/%: $(OBJ)/tests/sim/%.o $(sim_support) $(archives)
	$(call say,LINK,$@)
	$(call link,$(libs_all) -lcmocka)
$(alive_tests): $(BUILD)/tests/sim/alive/%: $(OBJ)/tests/sim/alive/%.o $(alive_support) $(archives)
	$(call say,LINK,$@)
	$(call link,$(libs_all))
$(crash_tests): $(BUILD)/tests/crash/%: $(OBJ)/tests/crash/%.o $(crash_support) $(archives)
	$(call say,LINK,$@)
	$(call link,$(libs_all))
# A fuzz target replays its corpus here; `make fuzz` builds the same file with libFuzzer.
$(fuzz_replay): $(BUILD)/tests/fuzz/%: $(OBJ)/tests/fuzz/%.o $(OBJ)/tests/fuzz/replay.o $(archives)
	$(call say,LINK,$@)
	$(call link,$(libs_all))
fuzzers := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzzer_%,$(wildcard tests/fuzz/fuzz_*.c))
$(fuzzers): $(BUILD)/fuzzer_%: $(OBJ)/tests/fuzz/fuzz_%.o $(archives)
	$(call say,LINK,$@)
	$(call link,$(libs_all) -fsanitize=fuzzer)
$(filter $(BUILD)/tests/system/% $(BUILD)/tests/bench/% $(BUILD)/tests/kernels/%,$(test_tools)): $(BUILD)/tests/%: $(OBJ)/tests/%.o $(test_support) $(archives)
	$(call say,LINK,$@)
	$(call link,$(libs_all) -luring)

.PHONY: unit sim sim-long sim-alive sim-alive-long crash crash-long fuzz-replay tests
unit: $(unit_tests)
	@tools/run-tests.sh unit $(unit_tests)
# CASE, SEED and SEEDS choose what is run (tests/sim/cases.c); PACKETS how long the long run is.
sim_tool := $(BUILD)/tests/sim/test_sim
sim: $(sim_tests)
	@$(sim_tool) -j $$(nproc) $(if $(CASE),-c $(CASE)) $(if $(SEED),-s $(SEED)) \
		$(if $(SEEDS),-n $(SEEDS),-t $(or $(SECONDS),100))
sim-long: $(sim_tests)
	@git log -1 --format='commit %H'; git status --short --untracked-files=no
	@$(sim_tool) -j $$(nproc) -p $(or $(PACKETS),1000000000) -s $(or $(SEED),1000)
# Who is alive, and what failed: PART, SEED and COUNT choose (tests/sim/alive/part.h).
alive_tool = $(BUILD)/tests/sim/alive/test_alive -j $$(nproc) $(if $(PART),-p $(PART)) \
	$(if $(SEED),-s $(SEED)) $(if $(COUNT),-n $(COUNT))
sim-alive: $(alive_tests)
	@$(alive_tool)
sim-alive-long: $(alive_tests)
	@git log -1 --format='commit %H'; git status --short --untracked-files=no
	@$(alive_tool) -l
# A store cut off at some of its writes, memory that ends at some allocations; or at all of them.
crash: $(crash_tests)
	@tools/run-tests.sh crash $(crash_tests)
crash-long: $(crash_tests)
	@$(BUILD)/tests/crash/crash_store -a -j $$(nproc)
	@$(BUILD)/tests/crash/crash_memory -a
fuzz-replay: $(fuzz_replay)
	@tools/run-tests.sh fuzz $(fuzz_replay)
tests: all $(unit_tests) $(sim_tests) $(alive_tests) $(crash_tests) $(fuzz_replay) $(test_tools)

model:
	@tests/model/check.sh

.PHONY: model run lab check check-kernels system alive-long bench bench-serf lint fuzz coverage
.PHONY: clean install uninstall
run:
	@tools/run.sh
lab:
	@tools/lab.sh
check:
	@tools/check.sh
system: all $(test_tools)
	@tools/run-tests.sh system $(wildcard tests/system/test_*.py)
# 100 hosts that fail one by one: HOSTS, SWITCHES, KILLS.
alive-long: all
	@git log -1 --format='commit %H'; git status --short --untracked-files=no
	@PYTHONDONTWRITEBYTECODE=1 BUILD=$(BUILD) python3 tests/system/alive_long.py
check-kernels:
	@tools/check-kernels.sh
bench: all $(test_tools)
	@tools/bench.sh
# SHORT=1: less of everything.
bench-serf: all
	@tools/packages.sh install $(BENCH_PACKAGES)
	@PYTHONDONTWRITEBYTECODE=1 BUILD=$(BUILD) python3 tests/bench/serf/compare.py
lint:
	@tools/lint.sh
fuzz:
	@tools/fuzz.sh
coverage:
	@tools/coverage.sh
clean:
	$(Q)rm -rf $(BUILD)

include packaging/install.mk
