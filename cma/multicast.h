/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_MULTICAST_H
#define CMA_MULTICAST_H
/*
 * Where nanoprobes call that know the CMA's key but not its address: a group reserved for this.
 * Whoever calls there is answered, or not, like anybody else.
 */

#define MULTICAST_GROUP "224.0.2.5"

/*
 * Joins the group on each interface that has an IPv4 address and can; again for those that came
 * since. The socket is bound to a wildcard address, or hears nothing of it. How many were joined.
 */
unsigned int multicast_join(int socket);

#endif
