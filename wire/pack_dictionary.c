// SPDX-License-Identifier: Apache-2.0
#include "wire/pack_dictionary.h"

/*
 * Packed facts without what tells hosts apart: section, size of the key (or none), key, the zeroes
 * of the size of the value, and its members in the order of canonical JSON.
 */
/* clang-format off */
static const char facts_1[] =
	/* host, coverage, lldp, link, address, route, neighbour: told at the start, then seldom */
	"\0\2\0os{\"Codename\":\"\",\"Description\":\"Debian GNU/Linux 12 (bookworm)\","
		"\"Distributor ID\":\"Ubuntu\",\"Release\":\"24.04\",\"hardware-platform\":"
		"\"x86_64\",\"kernel-name\":\"Linux\",\"kernel-release\":\"\",\"kernel-version\":"
		"\"#1 SMP PREEMPT_DYNAMIC \",\"machine\":\"x86_64\",\"nodename\":\"\","
		"\"operating-system\":\"GNU/Linux\",\"processor\":\"x86_64\"}"
	"\0\6\0memory{\"Hugepagesize\":2048,\"MemTotal\":,\"SwapTotal\":0}"
	"\0\4\0boot2\0\0\0{\"boot_id\":\""
	"{\"hook\":\"tp_btf/sched_process_exec\",\"since\":\"20\",\"state\":\"complete\"}"
	"\17\5\0scope\0\0\0{\"since\":\"\",\"state\":\"partial\",\"why\":\"\"unavailable"
	"\5\0\0\0{\"chassis_id\":\"\",\"chassis_id_type\":\"mac\",\"ifname\":\"eth0\","
		"\"port_descr\":\"\",\"port_id\":\"\",\"port_id_type\":\"ifname\",\"protocol\":"
		"\"LLDP\",\"sysdescr\":\"\",\"sysname\":\"\",\"ttl\":120}"
	"\1\4\0eth0\0\0\0{\"carrier\":true,\"duplex\":\"full\",\"ifname\":\"eth0\","
		"\"kind\":\"veth\",\"mac\":\"\",\"master\":\"\",\"mtu\":1500,\"operstate\":\"up\","
		"\"speed\":10000,\"type\":\"ether\"}"
	"\2\17\0eth0 fe80::\0\0\0{\"addr\":\"10.\",\"ifname\":\"eth0\",\"prefix\":24,"
		"\"scope\":\"global\"}"
	"\4\0\0\0{\"dst\":\"default\",\"gateway\":\"10.\",\"ifname\":\"eth0\",\"metric\":256,"
		"\"src\":\"10.\"}"
	"\3\16\0eth0 10.\0\0\0{\"ifname\":\"eth0\",\"ip\":\"10.\",\"mac\":\""
	/* What processes and sockets sometimes have. */
	"\"folded\":true,\"netns\":\"402653\",\"state\":\"refused\"}timeout\"}"
	",\"activated\":true,\"dual\":true,\"container\":\"/usr/lib/systemd/systemd\","
		"\"/usr/lib/jvm/java-\",\"--config=/etc/\"],\"cwd\":\"/var/lib/\"exe\":"
		"\"/usr/local/bin/\",\"daemon\",\"www-data\",\"nobody\""
	/* client, inbound, process, listen: what changes every day */
	"\6\15\0curl:\0\0\0{\"cmdline\":[\"/usr/bin/python3\",\"-\"],\"cwd\":\"/home/\","
		"\"exe\":\"/usr/bin/python3\",\"gid\":1000,\"group\":\"\",\"netns\":\"\","
		"\"transient\":true,\"uid\":1000,\"unit\":\"\",\"user\":\"\"}"
	"\10\0udp 10.0.0.0:53\0\0\0{\"addr\":\"10.\",\"port\":53,\"process\":\"\","
		"\"proto\":\"udp\",\"state\":\"ok\"}"
	"\11\0tcp 10.\0\0\0{\"addr\":\"10.\",\"peer\":\"10.\",\"port\":443,\"process\":[\"\"],"
		"\"proto\":\"tcp\"}"
	"\7\14\0unix /run/\0\0\0{\"addr\":\"/run/\",\"port\":0,\"process\":[\"\"],"
		"\"proto\":\"unix\"}"
	"\1\1\0\0\6\16\0sshd:\0\0\0{\"cmdline\":[\"/usr/sbin/\",\"-f\",\"/etc/\"],\"cwd\":\"/\","
		"\"exe\":\"/usr/sbin/\",\"gid\":0,\"group\":\"root\",\"uid\":0,"
		"\"unit\":\".service\",\"user\":\"root\"}"
	"\7\13\0tcp [::]:80\0\0\0{\"addr\":\"::\",\"port\":80"
	"\7\22\0tcp 127.0.0.1:\0\0\0{\"addr\":\"127.0.0.1\",\"port\":"
	"\7\16\0tcp 0.0.0.0:\0\0\0{\"addr\":\"0.0.0.0\",\"port\":"
	"\7\22\0tcp 10.\0\0\0{\"addr\":\"10.\",\"port\":80,\"process\":[\":\"],\"proto\":\"tcp\"}";
/* clang-format on */

struct span pack_dictionary(uint8_t number)
{
	return number == 1 ? SPAN(facts_1, sizeof(facts_1) - 1) : SPAN(NULL, 0);
}
