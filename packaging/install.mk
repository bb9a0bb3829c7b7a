# SPDX-License-Identifier: Apache-2.0
# make install and make uninstall: the same list serves both.
