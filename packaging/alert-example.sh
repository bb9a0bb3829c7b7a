#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A sink of alerts: cma(8), ALERTS. Copy it, make it executable, and say in /etc/assim/cma.conf
#	alert = exec /etc/assim/alerts.d severity=warning
# It gets the alert as JSON on standard input and its members in the environment; hosts choose some
# of the words, so quote them. Exit code 0 says that it was taken: anything else, and it is told
# again later. What it says last goes to the log of the CMA.
set -eu
to=/run/assim/alerts.log # or: curl, msmtp, a pager's own program

if [ "$ASSIM_WHAT" = summary ]; then
	printf '%s %s\n' "$ASSIM_TIME" "$ASSIM_TEXT" >>"$to"
	exit
fi
printf '%s %s incident %s (%s, %s) at %s: %s\n' "$ASSIM_TIME" "$ASSIM_STATE" "$ASSIM_INCIDENT" \
	"$ASSIM_KIND" "$ASSIM_SEVERITY" "$ASSIM_NODE" "$ASSIM_TEXT" >>"$to"
