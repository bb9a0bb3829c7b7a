/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ROOT_H
#define TESTS_UNIT_ROOT_H
/* Root keys of tests: made from a byte, the same each time. */
#include "wire/sign.h"

struct sign_pair root_of(uint8_t fill);

#endif
