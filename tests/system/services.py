# SPDX-License-Identifier: Apache-2.0
"""Real services and clients on hosts of the lab, each with its configuration in the host's own
directory: no system service is touched."""
import glob
import os

from lab import run
from suite import wait_until


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def program(name):
    """The file that runs when name is started: /usr/bin/redis-server may be a link."""
    places = glob.glob(f"/usr/lib/postgresql/*/bin/{name}") + [
        f"{folder}/{name}" for folder in ("/usr/sbin", "/usr/bin")]
    return os.path.realpath(next(place for place in places if os.path.exists(place)))


def as_user(name):
    return ["setpriv", "--reuid", name, "--regid", name, "--clear-groups"]


def listening(host, port, udp=False):
    """True when a socket of the host is bound to the port."""
    found = host.run("ss", "-Hln" + ("u" if udp else "t"), f"sport = :{port}").stdout
    return bool(found.strip())


def started(host, port, process, udp=False):
    wait_until(lambda: listening(host, port, udp), 20,
               lambda: f"nothing listens on port {port} of {host.name}:\n{process.text()}")
    return process


def nginx(host, port=80):
    root = host.path(f"nginx{port}")
    os.makedirs(f"{root}/www")
    os.chmod(root, 0o755)
    write(f"{root}/www/index.html", "hello\n")
    temporary = " ".join(f"{kind}_temp_path {root}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = write(f"{root}/nginx.conf", f"""
user www-data; daemon off; worker_processes 2; pid {root}/pid; error_log stderr;
events {{ worker_connections 64; }}
http {{ access_log off; {temporary}
 server {{ listen {port}; listen [::]:{port}; root {root}/www; keepalive_timeout 600; }} }}
""")
    # -e: or it tries the log of the system first
    return started(host, port, host.spawn("nginx", "-e", "stderr", "-c", config))


def postgresql(host, port=5432):
    data = host.path("postgresql")
    os.mkdir(data)
    run("chown", "postgres:postgres", data)
    run(*as_user("postgres"), program("initdb"), "-D", data, "-A", "trust", "--no-sync", "-N",
        "--locale=C", cwd="/", timeout=60)
    write(f"{data}/pg_hba.conf", "host all all 0.0.0.0/0 trust\n")
    process = host.spawn(*as_user("postgres"), program("postgres"), "-D", data, "-p", port, "-k",
                         data, "-c", f"listen_addresses={host.address}", "-c", "fsync=off",
                         name="postgres", cwd="/")
    return started(host, port, process)


def redis(host, port=6379):
    return started(host, port, host.spawn(
        "redis-server", "--port", port, "--bind", host.address, "--protected-mode", "no", "--save",
        "", "--dir", host.directory))


def openssh(host, port=22):
    if not os.path.isdir("/run/sshd"):
        os.mkdir("/run/sshd", 0o755)  # sshd insists; a restart of the machine clears it
    key, login = host.path("hostkey"), host.path("login")
    for file in (key, login):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file)
    config = write(host.path("sshd_config"), f"""
Port {port}
ListenAddress {host.address}
HostKey {key}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
AuthorizedKeysFile {login}.pub
""")
    host.login = login
    return started(host, port, host.spawn(program("sshd"), "-D", "-e", "-f", config))


def dnsmasq(host, port=53):
    config = write(host.path("dnsmasq.conf"), f"""
keep-in-foreground
no-resolv
no-hosts
no-daemon
pid-file=
user=root
bind-interfaces
listen-address={host.address}
port={port}
address=/lab.test/10.77.0.99
""")
    return started(host, port, host.spawn("dnsmasq", "-C", config), udp=True)


# Clients. Those that hold their connection return a process, the others run to their end.

def curl(host, server, port=80):
    answer = host.run("curl", "-sS", "--max-time", "10", f"http://{server.address}:{port}/").stdout
    assert answer == "hello\n", answer


def psql_session(host, server, port=5432):
    return host.spawn(program("psql"), "-h", server.address, "-p", port, "-U", "postgres", "-c",
                      "select pg_sleep(3600)", "postgres", name="psql")


def redis_session(host, server, port=6379):
    return host.spawn("redis-cli", "-h", server.address, "-p", port, "subscribe", "news")


def ssh_session(host, server, port=22):
    return host.spawn("ssh", "-F", "none", "-i", server.login, "-p", port, "-o", "BatchMode=yes",
                      "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                      "IdentitiesOnly=yes", f"root@{server.address}", "sleep 3600")


def dig(host, server, port=53):
    answer = host.run("dig", "+short", "+tries=2", "-p", port, f"@{server.address}", "lab.test").stdout
    assert answer.strip() == "10.77.0.99", answer


def established(host, port):
    """True when the host has a connection to that port of another."""
    return bool(host.run("ss", "-Hnt", "state", "established", f"dport = :{port}").stdout.strip())
