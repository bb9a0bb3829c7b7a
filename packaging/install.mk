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
	755:packaging/alert-example.sh:$(PREFIX)/share/doc/assim/alert-example.sh \
	conf:packaging/cma.conf:$(SYSCONFDIR)/assim/cma.conf \
	conf:packaging/nanoprobe.conf:$(SYSCONFDIR)/assim/nanoprobe.conf \
	conf:packaging/policy.conf:$(SYSCONFDIR)/assim/policy.conf

# What they are in goes when it is empty, but for what a system has without us.
parents = $(if $(1),$(1) $(call parents,$(patsubst %/,%,$(dir $(1)))))
system_dirs := /etc /opt /usr /usr/local $(addprefix /usr/local/,bin etc lib sbin share share/man)
install_dirs := $(filter-out $(if $(DESTDIR),,$(system_dirs)),$(sort \
	$(foreach item,$(install_list),\
		$(call parents,$(patsubst %/,%,$(dir $(lastword $(subst :, ,$(item)))))))))

$(packaging_made): $(BUILD)/packaging/%: packaging/%.in $(BUILD)/paths Makefile
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
	for dir in $$(printf '%s\n' $(install_dirs) | sort -r); do \
		rmdir "$(DESTDIR)$$dir" 2> /dev/null || true; \
	done
