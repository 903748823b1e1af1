
# Copyright (C) the nginx-liveupdate authors


.DEFAULT_GOAL = module
.NOTPARALLEL:

CLANG ?= clang

# Where the headers and build scripts of nginx are (Debian: nginx-dev), and
# what the module is compiled with.  Another set of CFLAGS or another nginx
# wants another BUILD directory, or "make clean" first.

NGINX_SRC ?= /usr/share/nginx/src
BUILD ?= build
CFLAGS ?= -g -O2 -fstack-protector-strong -Wformat -Werror=format-security \
	-Wdate-time -D_FORTIFY_SOURCE=2
LDFLAGS ?= -Wl,-z,relro -Wl,-z,now

PORT ?= 8080
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 600
PROVE ?= prove -j2 -It/lib

override BUILD := $(abspath $(BUILD))
MODULE = $(BUILD)/ngx_http_liveupdate_module.so
JOBS = -j$(shell nproc 2>/dev/null || echo 2)

SOURCES = $(wildcard *.c src/*/*.[ch])
CORE = $(wildcard src/core/*.c)
CORE_LIBS = -lcjson -lzip -lyaml -ldeflate -lcrypto -lz -lm

# Everything temporary stays in here as well.

export TMPDIR = $(CURDIR)/build/tmp
export NGINX_SRC

$(shell mkdir -p $(TMPDIR))


.PHONY: module
module: deps-build $(MODULE)	## build the module

# A file that comes or goes changes its folder.  nginx compiles all files again
# when one header has changed; here the compiler says which of them include it.

$(BUILD)/Makefile: config $(wildcard src/*)
	@test -f $(NGINX_SRC)/auto/module \
		|| { echo "no nginx in $(NGINX_SRC)" >&2; exit 1; }
	@mkdir -p $(BUILD)
	cd $(NGINX_SRC) && bash -c ' \
		NGX_CONF_FLAGS=(--with-compat --with-threads); \
		test ! -f conf_flags || . ./conf_flags; \
		configure=./configure; \
		test -f $$configure || configure=auto/configure; \
		$$configure "$${NGX_CONF_FLAGS[@]}" \
			--with-cc="$(CC)" \
			--with-cc-opt="$(CFLAGS) -fPIC" \
			--with-ld-opt="$(LDFLAGS) -fPIC" \
			--add-dynamic-module=$(CURDIR) --builddir=$(BUILD)' \
		> $(BUILD)/configure.log \
		|| { tail -n 20 $(BUILD)/configure.log >&2; rm -f $@; exit 1; }
	sed -i -e 's/^ADDON_DEPS = .*/ADDON_DEPS = $$(CORE_DEPS) $$(HTTP_DEPS)/' \
		-e 's/^ALL_INCS = /&-MMD -MP /' \
		-e '$$a -include $$(wildcard $(BUILD)/addon/*/*.d)' $@

$(MODULE): $(BUILD)/Makefile $(SOURCES)
	$(MAKE) --no-print-directory $(JOBS) -f $(BUILD)/Makefile \
		-C $(NGINX_SRC) modules
	@touch $@


.PHONY: test
test: deps-build-test-clients-browser-caches-shared module clients	## run all tests
	$(PROVE) t


.PHONY: cases
cases: deps-build-test-clients-shared module clients	## run the tests for problems from the field
	$(PROVE) $(wildcard t/field_*.t)


.PHONY: caches
caches: deps-build-test-clients-caches module clients	## run the tests for caches, failover and replicas
	$(PROVE) $(wildcard t/cdn_*.t t/failover.t t/replica.t)


.PHONY: clients
clients: t/clients/node_modules/.package-lock.json	# the vendors' own clients

t/clients/node_modules/.package-lock.json: t/clients/package-lock.json
	@t/lib/deps.sh clients
	cd t/clients && npm ci --no-audit --no-fund --no-update-notifier \
		--cache $(CURDIR)/build/npm --loglevel=error
	@touch $@


# It is large: 13 of its 400 MB are kept.

DESCRIPTION = t/openapi/node_modules/@octokit/openapi/generated

.PHONY: updaters
updaters: deps-build-test-clients module clients	## what each electron-updater does here, as a table
	LIVEUPDATE_UPDATERS=1 $(PROVE) t/updater_versions.t


# The vendor's plugin for Android, with as little of Android as it needs.

.PHONY: plugin
plugin: deps-build-test-clients-plugin module plugin-clients	## the plugin's own code for Android, here
	$(PROVE) t/plugin/plugin.t

.PHONY: plugin-clients
plugin-clients: t/plugin/node_modules/.package-lock.json

t/plugin/node_modules/.package-lock.json: t/plugin/package-lock.json
	cd t/plugin && npm ci --no-audit --no-fund --no-update-notifier \
		--cache $(CURDIR)/build/npm --loglevel=error
	@touch $@


.PHONY: openapi
openapi: deps-build-test-clients module clients openapi-clients	## compare with GitHub's description of its API
	$(PROVE) t/github_openapi.t

.PHONY: openapi-clients
openapi-clients: t/openapi/node_modules/.package-lock.json

t/openapi/node_modules/.package-lock.json: t/openapi/package-lock.json
	cd t/openapi && npm ci --no-audit --no-fund --no-update-notifier \
		--cache $(CURDIR)/build/npm --loglevel=error
	find $(DESCRIPTION) -name '*.json' ! -name api.github.com.json -delete
	@touch $@


.PHONY: demo
demo: deps-build-test-clients module clients	## publish and update, for show
	@MODULE=$(MODULE) t/demo.sh


.PHONY: start
start: deps-build-test module	## run conf/: RUN=dir [PORT= ORIGIN= APPROVAL=]
	@MODULE=$(MODULE) ORIGIN="$(ORIGIN)" APPROVAL="$(APPROVAL)" \
		conf/run.sh start "$(RUN)" $(PORT)


.PHONY: stop
stop:	## stop what "make start" started: RUN=dir
	@conf/run.sh stop "$(RUN)"


.PHONY: bench
bench: deps-build-test-bench module	## compare with what nginx does anyway
	@set -e; for bench in $(or $(filter-out t/bench/release.pl, \
		$(wildcard t/bench/*.pl)),missing); do \
		echo "# $$bench"; \
		perl -It/lib $$bench; \
	done


.PHONY: bench-count
bench-count: deps-build-test-bench module	## count the instructions of a request: [BENCH_CASES= BENCH_FUNCTIONS=]
	@perl -It/lib t/bench/instructions.pl


.PHONY: bench-release
bench-release: deps-build-test-clients-bench module clients	## a large desktop release: [SIZE=4096 TMPDIR=]
	@BENCH_SIZE=$(SIZE) perl -It/lib t/bench/release.pl


.PHONY: capacity
capacity: deps-build-test-bench module	## what a core answers, and what many devices ask for
	@perl -It/lib t/capacity/capacity.pl


# Several machines on one store, on real engines.

.PHONY: scale
scale: deps-build-test-scale module build/check-store	## several machines on real storage: [ENGINE= PUBLISHES= JOURNEYS=]
	@set -e; for engine in $(or $(ENGINE),cephfs glusterfs nfs); do \
		PUBLISHES=$(PUBLISHES) PUBLISHERS=$(PUBLISHERS) \
		MOUNT_OPTIONS=$(MOUNT_OPTIONS) JOURNEYS="$(JOURNEYS)" \
			t/scale/scale.sh $$engine; \
	done


# What the tests have drawn lots for, in numbers that take an hour.

.PHONY: soak
soak: deps-build-test-clients module clients	## the long tests, about an hour: [SOAK_SECONDS=600]
	SOAK_SECONDS=$(SOAK_SECONDS) LIVEUPDATE_KILLS=200 \
	LIVEUPDATE_FAULTS=1 LIVEUPDATE_SCHEDULES=1000 \
	LIVEUPDATE_PUBLISHES=1000 LIVEUPDATE_SIGNATURES=10000 \
	LIVEUPDATE_EVENTS=1000 LIVEUPDATE_HISTORIES=1000 \
	TEST_NGINX_RELOADS=500 \
		$(PROVE) t/soak t/kill.t t/fetch_kill.t t/fault.t \
			t/fetch_crash.t t/github_fault.t t/github_model.t \
			t/github_webhook.t t/webhook.t t/leak.t t/reload.t \
			t/notify_order.t t/cleanup_fault.t t/cleanup_model.t


# Schedules of rollouts, on one machine and on three.

.PHONY: model
model: deps-build-test module	## random schedules of rollouts, two hours: [MODEL_SCHEDULES=1000]
	for n in 1 3; do \
		LIVEUPDATE_SCHEDULES=$(or $(MODEL_SCHEDULES),1000) \
		LIVEUPDATE_MACHINES=$$n $(PROVE) t/growth_model.t \
			t/growth_desktop_model.t || exit 1; \
	done


.PHONY: unit
unit: deps-build	## build and run the unit tests of src/core
	prove -It/lib t/00-unit.t

# A test includes the file that it tests, so that one is not linked to it.

UNIT_CFLAGS = -std=c11 -Wall -Wextra -Wshadow -pedantic -Werror \
	-Wno-unused-function -g -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -Isrc/core -It/unit -MMD -MP
UNIT_OBJS = $(CORE:src/core/%.c=build/unit/%.o)

build/unit/%.o: src/core/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

build/unit/%: t/unit/%.c $(UNIT_OBJS)
	$(CC) $(UNIT_CFLAGS) -MF $@.d -MT $@ -o $@ $< \
		$(filter-out build/unit/lu_$*.o,$(UNIT_OBJS)) \
		$(CORE_LIBS)

-include $(wildcard build/unit/*.d)


# Rollouts in simulated time, with the guard of src/core.

SIMULATIONS ?= 10000

.PHONY: simulate
simulate: deps-build build/simulate	## how often a guard is wrong, and how late: [SIMULATIONS=10000]
	build/simulate healthy $(SIMULATIONS) 1000000 1
	build/simulate back 100 2000 2
	build/simulate back 100 5000 2
	build/simulate back 100 10000 2
	build/simulate back 20 10000 1
	build/simulate back 20 25000 1
	build/simulate back 20 100000 1
	build/simulate back 3 1000000 1
	build/simulate roams 10 100000 1
	build/simulate silent 20 25000 1
	build/simulate silent 20 100000 1
	build/simulate silent 3 1000000 1

build/simulate: t/simulate/rollout.c $(wildcard src/core/*.c src/core/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 -Wall -Wextra -Wshadow -pedantic -Werror -g -O2 \
		-Isrc/core -o $@ $< $(wildcard src/core/*.c) $(CORE_LIBS)


# Whether storage does what a store needs that several machines share.

.PHONY: check-store
check-store: build/check-store	## try shared storage: DIRS="mount1 mount2 ..."
	@build/check-store $(DIRS)

build/check-store: t/tools/check_store.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -Wall -Wextra -Wshadow -Werror -g -O1 -o $@ $<


# A shared file system whose caches lie, see t/fuse.

FUSE_CFLAGS = -std=gnu11 -Wall -Wextra -Wshadow -Werror -g -O1 \
	-I/usr/include/fuse3

build/stale: t/fuse/stale.c
	@mkdir -p $(@D)
	$(CC) $(FUSE_CFLAGS) -o $@ $< -lfuse3 -lpthread


.PHONY: fuzz
fuzz: deps-build-fuzz	## run each fuzzer of src/core: [FUZZ_SECONDS=60]
	@set -e; for fuzz in \
		$(patsubst t/fuzz/%.c,%,$(or $(wildcard t/fuzz/*.c),missing)); \
	do \
		$(MAKE) --no-print-directory build/fuzz/$$fuzz; \
		echo "# $$fuzz, $(FUZZ_SECONDS) s"; \
		mkdir -p build/fuzz/corpus/$$fuzz t/fuzz/corpus/$$fuzz; \
		build/fuzz/$$fuzz -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
			-artifact_prefix=build/fuzz/$$fuzz- \
			-print_final_stats=1 \
			$$(ls t/fuzz/$$fuzz.dict 2>/dev/null \
				| sed 's/^/-dict=/') \
			build/fuzz/corpus/$$fuzz t/fuzz/corpus/$$fuzz \
			> build/fuzz/$$fuzz.log 2>&1 \
			|| { tail -n 60 build/fuzz/$$fuzz.log; exit 1; }; \
		grep stat::number_of build/fuzz/$$fuzz.log; \
	done

FUZZ_CFLAGS = -std=c11 -Wall -Wextra -g -O1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-Isrc/core -It/fuzz
FUZZ_OBJS = $(CORE:src/core/%.c=build/fuzz/obj/%.o)

build/fuzz/obj/%.o: src/core/%.c $(wildcard src/core/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

build/fuzz/%: t/fuzz/%.c $(wildcard t/fuzz/*.h) $(FUZZ_OBJS)
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJS) \
		$(CORE_LIBS)

.SECONDARY: $(UNIT_OBJS) $(FUZZ_OBJS)


# Our readers beside those of others.  Each prints how many inputs it compared,
# and those about which the two disagree.

DIFFER = json.js yaml.js multipart.js version.js percent.js zip.py

.PHONY: differ
differ: deps-build-test-clients-fuzz-differ clients differ-clients build/differ	## compare our readers with others': [DIFFER_INPUTS= DIFFER_SEED=]
	@rc=0; for differ in $(DIFFER); do \
		case $$differ in *.js) run=node ;; *) run=python3 ;; esac; \
		DIFFER_READER=$(CURDIR)/build/differ $$run t/differ/$$differ \
			|| rc=1; \
	done; exit $$rc

build/differ: t/differ/reader.c $(FUZZ_OBJS)
	$(CLANG) $(FUZZ_CFLAGS) -o $@ $< $(FUZZ_OBJS) $(CORE_LIBS)

.PHONY: differ-clients
differ-clients: t/differ/node_modules/.package-lock.json

t/differ/node_modules/.package-lock.json: t/differ/package-lock.json
	cd t/differ && npm ci --no-audit --no-fund --no-update-notifier \
		--cache $(CURDIR)/build/npm --loglevel=error
	@touch $@


.PHONY: asan
asan: deps-build-test-clients-browser-caches-shared clients	## run all tests under ASan and UBSan
	$(MAKE) --no-print-directory module BUILD=build/asan \
		CFLAGS="-g -O1 -fsanitize=address,undefined \
			-fno-omit-frame-pointer" \
		LDFLAGS="-fsanitize=address,undefined"
	TEST_NGINX_ASAN=1 \
	TEST_NGINX_MODULE=$(CURDIR)/build/asan/$(notdir $(MODULE)) \
		$(PROVE) t


.PHONY: static
static: deps-build-test-clients-browser-caches-shared-static clients	## run all tests, linked in
	@t/lib/static.sh build/static
	TEST_NGINX_BINARY=$(CURDIR)/build/static/nginx TEST_NGINX_MODULE= \
		$(PROVE) t


.PHONY: check
check: deps-build	## check the style, and that src/core stands alone
	prove -It/lib t/01-style.t


# Debian's places; elsewhere the lines to add to nginx.conf are printed.

MODULES_PATH = $(shell PATH=$$PATH:/usr/sbin nginx -V 2>&1 \
	| sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p')
NGINX_CONF = $(patsubst %/,%,$(dir $(shell PATH=$$PATH:/usr/sbin nginx -V 2>&1 \
	| sed -n 's/.*--conf-path=\([^ ]*\).*/\1/p')))
AVAILABLE = /usr/share/nginx/modules-available
ENABLED = /etc/nginx/modules-enabled
SNIPPET = mod-http-liveupdate.conf
SHARE = /usr/share/nginx-liveupdate
STATE = /var/lib/liveupdate
SBIN = /usr/sbin

.PHONY: install
install: module install-conf	## install the module for this system's nginx: [DESTDIR=]
	@test -n "$(MODULES_PATH)" \
		|| { echo "nginx -V names no --modules-path" >&2; exit 1; }
	install -d $(DESTDIR)$(MODULES_PATH)
	install -m 644 $(MODULE) $(DESTDIR)$(MODULES_PATH)
	@if [ -d $(ENABLED) ]; then \
		set -ex; \
		install -d $(DESTDIR)$(AVAILABLE) $(DESTDIR)$(ENABLED); \
		echo "load_module modules/$(notdir $(MODULE));" \
			> $(DESTDIR)$(AVAILABLE)/$(SNIPPET); \
		ln -sf $(AVAILABLE)/$(SNIPPET) \
			$(DESTDIR)$(ENABLED)/50-$(SNIPPET); \
	else \
		echo "Add to the top of nginx.conf:"; \
		echo "load_module $(MODULES_PATH)/$(notdir $(MODULE));"; \
		echo "include $(SHARE)/main.conf;"; \
	fi

# What is in $(SHARE) is always that of this version.  What an administrator
# may have edited, or removed, is only installed the first time.

.PHONY: install-share
install-share:
	@test -n "$(NGINX_CONF)" \
		|| { echo "nginx -V names no --conf-path" >&2; exit 1; }
	install -d $(DESTDIR)$(SHARE)/console $(DESTDIR)$(STATE) \
		$(DESTDIR)$(SBIN)
	install -m 755 packaging/nginx-liveupdate $(DESTDIR)$(SBIN)
	install -m 644 conf/console/* $(DESTDIR)$(SHARE)/console
	install -m 644 conf/main.conf conf/server.conf conf/cache.conf \
		conf/cache.vcl $(DESTDIR)$(SHARE)
	install -m 755 conf/replicate.sh $(DESTDIR)$(SHARE)
	sed -e '/^ *#/b' \
		-e 's| *# start: .*||' \
		-e 's| store| $(STATE)/store|' \
		-e 's| tokens;| $(NGINX_CONF)/liveupdate.tokens;|' \
		-e 's| console/;| $(SHARE)/console/;|' \
		-e 's|=secret.todesktop|=$(NGINX_CONF)/liveupdate.todesktop|' \
		conf/liveupdate.conf > $(DESTDIR)$(SHARE)/liveupdate.conf

.PHONY: install-conf
install-conf: install-share
	install -d $(DESTDIR)$(NGINX_CONF)
	@if [ ! -e $(DESTDIR)$(NGINX_CONF)/liveupdate.conf ]; then \
		set -ex; \
		install -m 644 $(DESTDIR)$(SHARE)/liveupdate.conf \
			$(DESTDIR)$(NGINX_CONF); \
		test ! -d $(ENABLED) \
			|| test -e $(DESTDIR)$(ENABLED)/60-liveupdate.conf \
			|| install -D -m 644 conf/main.conf \
				$(DESTDIR)$(ENABLED)/60-liveupdate.conf; \
	elif ! cmp -s $(DESTDIR)$(SHARE)/liveupdate.conf \
		$(DESTDIR)$(NGINX_CONF)/liveupdate.conf; \
	then \
		echo "$(NGINX_CONF)/liveupdate.conf is kept; the one of this" \
			"version is $(SHARE)/liveupdate.conf."; \
	fi


# The package fits this system's nginx.  The sources are copied, since
# "debian/" must be at their top.

.PHONY: deb
deb: deps-build-deb	## build the Debian package: [DEB=build/deb]
	@packaging/build.sh $(or $(DEB),build/deb)

# Of Debian's packages and the one that was built here.

.PHONY: image
image: deb deps-chroot-image	## build an image for containers: [IMAGE=build/image/nginx-liveupdate.tar]
	@packaging/image.sh build/deb/libnginx-mod-http-liveupdate_*.deb \
		$$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) \
		$(or $(IMAGE),build/image/nginx-liveupdate.tar)

# In throw-away systems, on loopback interfaces of their own.

.PHONY: deb-test
deb-test: deps-test-chroot	## build and try the package on Debian 12 and 13: [SUITES=]
	SUITES="$(SUITES)" prove -It/lib t/deb


# The names of rows are described in t/matrix/run.

MATRIX_ROWS ?= bookworm trixie sid bookworm-source trixie-source sid-source \
	$(foreach source,$(MATRIX_SOURCES),$(firstword \
		$(subst =, ,$(source))))
MATRIX_TESTS ?= $(addprefix t/,$(addsuffix .t,00-unit conf conf_advice app \
	channel bundle upload verify field_zip latest growth device artifact \
	tls feed blockmap sign build approval webhook fetch fetch_tls s3 \
	s3_publish github cli_sync reload))

.PHONY: matrix
matrix: deps-clients-chroot clients	## try each nginx and Debian, a table: [MATRIX_ROWS= MATRIX_SOURCES= MATRIX_TESTS=]
	@SOURCES="$(MATRIX_SOURCES)" TESTS="$(MATRIX_TESTS)" \
		t/matrix/run $(MATRIX_ROWS)


.PHONY: clean
clean:	## remove what was built
	rm -rf build


.PHONY: help
help:	## show this
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1 \2/p' Makefile \
		| while read -r target text; do \
			printf '  make %-11s %s\n' "$$target" "$$text"; \
		done


# deps-build-test: the packages for both jobs

deps-%:
	@t/lib/deps.sh $(subst -, ,$*)
