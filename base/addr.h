/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H
/*
 * An IP address and port as a value. IPv4 is held v4-mapped (RFC 4291 2.5.5.2), so that the same
 * peer seen through an AF_INET and an AF_INET6 socket is one address, and is printed as IPv4.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	uint8_t ip[16];
	uint16_t port;
	uint16_t local; /* at which address of ours it was heard, as its socket counts; 0 */
};

/* Room for the text of any address with its port and NUL: "[v6]:65535". */
enum { ADDR_TEXT_SIZE = 56 };

/* "10.0.0.1:1984", "[fe80::1]:1984"; -EINVAL. A missing port is an error. */
int addr_parse(const char *text, struct addr *addr);
/* An address without port, v4 or v6; -EINVAL. */
int addr_parse_ip(const char *text, uint8_t ip[16]);
void addr_text(const struct addr *addr, char *to);
void addr_ip_text(const uint8_t ip[16], char *to);
/* -EAFNOSUPPORT when it is neither AF_INET nor AF_INET6. */
int addr_from_sockaddr(const struct sockaddr_storage *from, struct addr *addr);
/*
 * Fills to for a socket of the given family (a v4 address on AF_INET6 is sent v4-mapped); its size,
 * or 0 for a v6 address on AF_INET, which cannot be sent.
 */
socklen_t addr_to_sockaddr(const struct addr *addr, int family, struct sockaddr_storage *to);

bool addr_is_v4(const uint8_t ip[16]);
bool addr_is_any(const uint8_t ip[16]); /* 0.0.0.0 or :: */
bool addr_is_loopback(const uint8_t ip[16]);
bool addr_is_link_local(const uint8_t ip[16]);

#endif
