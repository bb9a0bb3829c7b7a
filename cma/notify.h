/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMA_NOTIFY_H
#define CMA_NOTIFY_H
/*
 * sd_notify(3) in one datagram: tells the service manager state such as "READY=1" on the socket
 * named by NOTIFY_SOCKET (its value; NULL or "" says nothing). 0 or -errno.
 */
int notify_send(const char *socket_name, const char *state);

#endif
