/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_FOOTPRINT_H
#define AGENT_FOOTPRINT_H

/*
 * Gives back to the kernel what only the start needed: free heap, and the pages of programs and
 * libraries that it mapped. What runs from then on is mapped again as it is used.
 */
void footprint_trim(void);

#endif
