# SPDX-License-Identifier: Apache-2.0
"""A machine that boots a kernel with what is needed to try the nanoprobe there, and nothing else;
and the kernel of this machine, tried in namespaces of their own."""
import lzma
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
DIALS = ["older", "later", "sender", "brief"]  # init.sh knows its clients by these names
MODULES = ["inet_diag", "tcp_diag", "udp_diag", "unix_diag"]
CPU_SECONDS = 300  # of the emulator, which needs 40 to 55; its clock does not depend on other load
WALL_SECONDS = 1800
KERNEL_LINE = "console=ttyS0 quiet panic=-1 rdinit=/init random.trust_cpu=on mitigations=off"


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def add_program(root, source, target):
    """A program with the shared libraries that it needs, where its loader looks for them."""
    copy(source, root / target)
    for library in re.findall(r"(/\S+) \(0x", run("ldd", str(source))):
        if not (root / library[1:]).exists():
            copy(library, root / library[1:])


def add_module(root, kernel, name):
    for path in kernel.rglob(f"{name}.ko*"):
        data = path.read_bytes()
        (root / "modules").mkdir(exist_ok=True)
        (root / f"modules/{name}.ko").write_bytes(
            lzma.decompress(data) if path.suffix == ".xz" else data)


def fill(root, kernel, build, busybox, objects):
    for folder in ["dev", "proc", "sys", "tmp", "run", "etc", "bin", "var/lib", "programs"]:
        (root / folder).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    copy(busybox, root / "bin/busybox")
    for applet in run(busybox, "--list").split():
        if applet != "busybox":
            os.symlink("busybox", root / "bin" / applet)
    copy(HERE / "init.sh", root / "init")
    (root / "init").chmod(0o755)
    add_program(root, build / "nanoprobe", "bin/nanoprobe")
    add_program(root, build / "tests/kernels/load", "bin/load")
    add_program(root, build / "tests/system/serve", "bin/serve")
    for name in DIALS:
        add_program(root, build / "tests/system/dial", f"bin/{name}")
    for name in MODULES if kernel else []:
        add_module(root, kernel, name)
    for name, path in objects.items():
        copy(path, root / f"programs/{name}.o")


def pack(root, target):
    names = "\n".join(["."] + sorted(str(p.relative_to(root)) for p in root.rglob("*")))
    with open(target, "wb") as file:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(), stdout=file,
                       cwd=root, check=True)


def image_of(kernel):
    return next(p for p in sorted(kernel.rglob("vmlinuz*")) if p.is_file() and not p.is_symlink())


def parts_of(text):
    """The parts of what init.sh wrote: name -> lines."""
    parts, lines = {}, []
    for line in text.splitlines():
        if line.startswith("== "):
            lines = parts.setdefault(line[3:].strip(), [])
        else:
            lines.append(line)
    return parts


def limit_cpu():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def emulate(work, kernel):
    """One processor whose clock counts instructions: time in the machine stands still while the
    emulator waits for a processor of ours, and jumps when the machine has nothing to do."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=1,sleep=off",
               "-cpu", "max", "-smp", "1", "-m", "512", "-nic", "none", "-display", "none",
               "-monitor", "none", "-no-reboot", "-serial", f"file:{work}/console",
               "-serial", f"file:{work}/results", "-kernel", str(image_of(kernel)),
               "-initrd", str(work / "initrd"), "-append", KERNEL_LINE]
    try:
        subprocess.run(command, timeout=WALL_SECONDS, preexec_fn=limit_cpu, check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        pass


def boot(kernel, build, busybox, objects):
    """Boots the kernel that is unpacked in a folder. Returns the parts, and the end of what it
    wrote on its console."""
    with tempfile.TemporaryDirectory(prefix="kernels-") as work:
        work = pathlib.Path(work)
        fill(work / "root", kernel, build, busybox, objects)
        pack(work / "root", work / "initrd")
        for name in ["console", "results"]:
            (work / name).touch()
        emulate(work, kernel)
        return (parts_of((work / "results").read_text(errors="replace")),
                (work / "console").read_text(errors="replace")[-2000:])


def try_here(build, busybox, objects):
    """The same with the kernel of this machine, in network, pid and mount namespaces of its own."""
    with tempfile.TemporaryDirectory(prefix="kernels-") as work:
        fill(pathlib.Path(work) / "root", None, build, busybox, objects)
        result = subprocess.run(["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child",
                                 "chroot", f"{work}/root", "/init", "here"], check=False,
                                capture_output=True, text=True, timeout=WALL_SECONDS)
        return parts_of(result.stdout), result.stderr[-2000:]
