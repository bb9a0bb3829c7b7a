# SPDX-License-Identifier: Apache-2.0
"""The estate that the system tests and `make lab` share: two switches, five hosts, five services,
five kinds of client.

        sw1 ----------------- sw2
       p2|  p3|  p4|         p2|  p3|
      web1   db1  admin      web2  centre (CMA, DNS)
"""
import services
from suite import wait_until


class Small:
    def __init__(self, lab):
        self.lab = lab
        self.sw1, self.sw2 = lab.switch("sw1"), lab.switch("sw2")
        lab.connect(self.sw1, self.sw2)
        self.web1 = lab.host("web1", self.sw1)
        self.db1 = lab.host("db1", self.sw1)
        self.admin = lab.host("admin", self.sw1)
        self.web2 = lab.host("web2", self.sw2)
        self.centre = lab.host("centre", self.sw2)
        self.hosts = lab.hosts
        self.services, self.clients = {}, {}

    def lldp_settle(self):
        for host in self.hosts:
            wait_until(host.lldp_settled, 20,
                       lambda h=host: f"{h.name} and {h.switch.name} do not see each other")

    def services_start(self):
        self.services = {
            "nginx": services.nginx(self.web1),
            "openssh": services.openssh(self.web2),
            "postgresql": services.postgresql(self.db1),
            "redis": services.redis(self.db1),
            "dnsmasq": services.dnsmasq(self.centre),
        }

    def clients_start(self):
        """psql, redis-cli and ssh hold their connection; curl and dig come and go."""
        self.clients = {
            "psql": services.psql_session(self.web1, self.db1),
            "redis-cli": services.redis_session(self.web2, self.db1),
            "ssh": services.ssh_session(self.admin, self.web2),
        }
        for host, port in ((self.web1, 5432), (self.web2, 6379), (self.admin, 22)):
            wait_until(lambda h=host, p=port: services.established(h, p), 10,
                       lambda: "\n".join(client.text() for client in self.clients.values()))
        self.visit()

    def visit(self):
        services.curl(self.admin, self.web1)
        services.dig(self.admin, self.centre)
