#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# packages.sh missing|install PACKAGE...: names, or installs, the Debian packages that are not there.
# What is installed for tests and for building is never started as a system service.
set -eu
action=$1
shift
missing=""
for package; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$action" = missing ]; then
	echo "Debian packages missing for the build:$missing" >&2
	echo "Install them with: make deps" >&2
	exit 1
fi
echo "==> installing:$missing"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of package names
install() { apt-get install -y -q --no-install-recommends $missing; }
install || { apt-get update -q && install; }
