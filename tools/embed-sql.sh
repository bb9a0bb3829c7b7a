#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed-sql.sh FILE.sql...: C source on stdout with the text of each file, named by its path below cma/.
set -eu
printf '#include "cma/graph/embedded.h"\n\nconst struct embedded_sql embedded_sql[] = {\n'
for file; do
	printf '\t{ "%s",\n' "${file#cma/}"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^\(.*\)$/\t\t"\1\\n"/' "$file"
	printf '\t},\n'
done
printf '\t{ 0, 0 },\n};\n'
