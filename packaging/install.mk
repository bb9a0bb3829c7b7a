# SPDX-License-Identifier: Apache-2.0
# make install and make uninstall: the same list serves both. Each entry is MODE:SOURCE:TARGET;
# MODE "conf" is a file that belongs to the administrator once it is there: install does not
# replace it, uninstall removes it only while it is unchanged.

LIBDIR := $(PREFIX)/lib

packaging_made := $(BUILD)/packaging/cma.service $(BUILD)/packaging/nanoprobe.service

install_list := \
	755:$(BUILD)/nanoprobe:$(PREFIX)/sbin/nanoprobe \
	755:$(BUILD)/cma:$(PREFIX)/sbin/cma \
	755:$(BUILD)/cmactl:$(PREFIX)/bin/cmactl \
	644:$(BUILD)/packaging/cma.service:$(LIBDIR)/systemd/system/cma.service \
	644:$(BUILD)/packaging/nanoprobe.service:$(LIBDIR)/systemd/system/nanoprobe.service \
	644:packaging/sysusers.conf:$(LIBDIR)/sysusers.d/assim.conf \
	644:packaging/tmpfiles.conf:$(LIBDIR)/tmpfiles.d/assim.conf \
	$(foreach page,$(wildcard docs/man/*.1),644:$(page):$(PREFIX)/share/man/man1/$(notdir $(page))) \
	$(foreach page,$(wildcard docs/man/*.8),644:$(page):$(PREFIX)/share/man/man8/$(notdir $(page))) \
	conf:packaging/cma.conf:$(SYSCONFDIR)/assim/cma.conf \
	conf:packaging/nanoprobe.conf:$(SYSCONFDIR)/assim/nanoprobe.conf

# Directories that nobody else has a reason to keep when they are empty.
install_dirs := $(SYSCONFDIR)/assim $(LIBDIR)/systemd/system $(LIBDIR)/systemd \
	$(LIBDIR)/sysusers.d $(LIBDIR)/tmpfiles.d

$(packaging_made): $(BUILD)/packaging/%: packaging/%.in Makefile
	$(Q)mkdir -p $(@D) && sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' $< > $@

install: all $(packaging_made)
	@set -eu; for item in $(install_list); do \
		mode=$${item%%:*} target=$(DESTDIR)$${item##*:}; source=$${item#*:}; source=$${source%:*}; \
		if [ $$mode = conf ]; then mode=640; [ ! -e "$$target" ] || continue; fi; \
		install -D -m $$mode "$$source" "$$target"; printf '  INSTALL  %s\n' "$$target"; \
	done

uninstall:
	@set -eu; for item in $(install_list); do \
		mode=$${item%%:*} target=$(DESTDIR)$${item##*:}; source=$${item#*:}; source=$${source%:*}; \
		[ -e "$$target" ] || continue; \
		if [ $$mode = conf ] && ! cmp -s "$$source" "$$target"; then \
			printf '  KEEP     %s (changed)\n' "$$target"; continue; \
		fi; \
		rm -f "$$target"; printf '  REMOVE   %s\n' "$$target"; \
	done; \
	for dir in $(install_dirs); do \
		[ ! -d "$(DESTDIR)$$dir" ] || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$$dir"; \
	done
