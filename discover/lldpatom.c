// SPDX-License-Identifier: Apache-2.0
#include "discover/lldpatom.h"

#include <lldpctl.h>

#include "discover/lldpfact.h"

/* Valid as long as the atom; "" for what is not there. */
static const char *text_of(lldpctl_atom_t *atom, lldpctl_key_t key)
{
	const char *text = atom ? lldpctl_atom_get_str(atom, key) : NULL;

	return text ? text : "";
}

/* The entries stay referenced, for their texts, until the caller is done. */
static size_t take_ips(lldpctl_atom_t *chassis, struct lldpfact *neighbour,
	lldpctl_atom_t *entries[LLDPFACT_IPS_MAX])
{
	lldpctl_atom_t *list = lldpctl_atom_get(chassis, lldpctl_k_chassis_mgmt), *entry;
	size_t count = 0;

	lldpctl_atom_foreach(list, entry)
	{
		const char *ip = text_of(entry, lldpctl_k_mgmt_ip);

		if (!*ip || count == LLDPFACT_IPS_MAX)
			continue;
		lldpctl_atom_inc_ref(entry);
		entries[count] = entry;
		neighbour->mgmt_ips[count++] = ip;
	}
	lldpctl_atom_dec_ref(list);
	neighbour->ip_count = count;
	return count;
}

static void add_neighbour(json_t *facts, const char *ifname, lldpctl_atom_t *atom)
{
	lldpctl_atom_t *chassis = lldpctl_atom_get(atom, lldpctl_k_port_chassis);
	lldpctl_atom_t *entries[LLDPFACT_IPS_MAX];
	struct lldpfact neighbour = {
		.protocol = text_of(atom, lldpctl_k_port_protocol),
		.port_type = text_of(atom, lldpctl_k_port_id_subtype),
		.port_id = text_of(atom, lldpctl_k_port_id),
		.port_descr = text_of(atom, lldpctl_k_port_descr),
		.chassis_type = text_of(chassis, lldpctl_k_chassis_id_subtype),
		.chassis_id = text_of(chassis, lldpctl_k_chassis_id),
		.sysname = text_of(chassis, lldpctl_k_chassis_name),
		.sysdescr = text_of(chassis, lldpctl_k_chassis_descr),
		.vlan = lldpctl_atom_get_int(atom, lldpctl_k_port_vlan_pvid),
		.ttl = lldpctl_atom_get_int(atom, lldpctl_k_port_ttl),
	};
	size_t held = chassis ? take_ips(chassis, &neighbour, entries) : 0;

	lldpfact_add(facts, ifname, &neighbour);
	while (held)
		lldpctl_atom_dec_ref(entries[--held]);
	if (chassis)
		lldpctl_atom_dec_ref(chassis);
}

void lldpatom_add_port(json_t *facts, const char *ifname, struct lldpctl_atom_t *port)
{
	lldpctl_atom_t *neighbours = lldpctl_atom_get(port, lldpctl_k_port_neighbors), *neighbour;

	lldpctl_atom_foreach(neighbours, neighbour)
	{
		/* lldpd hides what its smart mode takes for an echo of another protocol. */
		if (lldpctl_atom_get_int(neighbour, lldpctl_k_port_hidden) <= 0)
			add_neighbour(facts, ifname, neighbour);
	}
	lldpctl_atom_dec_ref(neighbours);
}
