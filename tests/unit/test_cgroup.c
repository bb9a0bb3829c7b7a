// SPDX-License-Identifier: Apache-2.0
/* Paths as systemd, container runtimes and Kubernetes really make them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/cgroup.h"
#include "agent/cgroupfs.h"

#define ID    "8f14e45fceea167a5a36dedd4bea2543c5d1b0e4a5f8e9b2c3d4e5f60718293a"
#define SHORT "8f14e45fceea"
#define OTHER "00aa11bb22cc33dd44ee55ff66007788990a1b2c3d4e5f60718293a4b5c6d7e8"
#define POD   "pod3f0d2a1c-5b7e-4c1d-9a8b-0c1d2e3f4a5b"

static const struct {
	const char *path, *unit, *container;
} cases[] = {
	/* systemd */
	{ "/", "", "" },
	{ "/init.scope", "init.scope", "" },
	{ "/system.slice/nginx.service", "nginx.service", "" },
	{ "/system.slice/nginx.service/worker/1", "nginx.service", "" },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "" },
	{ "/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service",
		"serial-getty@ttyS0.service", "" },
	{ "/system.slice/system-postgresql.slice/postgresql@15-main.service",
		"postgresql@15-main.service", "" },
	{ "/system.slice/_cgroup.service", "cgroup.service", "" },
	{ "/system.slice/a:b.service", "a:b.service", "" },
	{ "/machine.slice/machine-lxc\\x2d3184\\x2dweb.scope", "", "lxc:lxc-3184-web" },
	{ "/system.slice/srv-data.mount", "srv-data.mount", "" },
	{ "/a.slice/a-b.slice/a-b-c.slice/deep.service", "deep.service", "" },
	{ "/system.slice/run-u42.service", "", "" },
	{ "/system.slice/run-r0f1e2d3c.scope", "", "" },
	{ "/system.slice/runner.service", "runner.service", "" },
	/* user sessions */
	{ "/user.slice/user-1000.slice/session-3.scope", "user-1000.slice", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope", "x.scope", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service",
		"syncthing.service", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/"
	  "app-gnome-org.gnome.Terminal-2345.scope",
		"user@1000.service", "" },
	/* docker */
	{ "/system.slice/docker-" ID ".scope", "", "docker:" SHORT },
	{ "/docker/" ID, "", "docker:" SHORT },
	{ "/docker/" SHORT, "", "docker:" SHORT },
	{ "/docker/buildkit", "", "" },
	{ "/system.slice/docker.service", "docker.service", "" },
	{ "/system.slice/docker-" ID ".scope/system.slice/nginx.service", "nginx.service",
		"docker:" SHORT },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope",
		"user@1000.service", "docker:" SHORT },
	{ "/system.slice/docker-proxy.service", "docker-proxy.service", "" },
	/* podman */
	{ "/machine.slice/libpod-" ID ".scope", "", "podman:" SHORT },
	{ "/machine.slice/libpod-" ID ".scope/container", "", "podman:" SHORT },
	{ "/machine.slice/libpod-conmon-" ID ".scope", "", "" },
	{ "/system.slice/web.service/libpod-payload-" ID, "web.service", "podman:" SHORT },
	{ "/libpod_parent/libpod-" ID, "", "podman:" SHORT },
	/* containerd, cri-o, kubernetes: systemd driver */
	{ "/kubepods.slice/kubepods-burstable.slice/"
	  "kubepods-burstable-pod3f0d2a1c_5b7e_4c1d_9a8b_0c1d2e3f4a5b.slice/cri-containerd-" ID
	  ".scope",
		"", "containerd:" SHORT },
	{ "/kubepods.slice/kubepods-pod3f0d2a1c_5b7e_4c1d_9a8b_0c1d2e3f4a5b.slice/crio-" ID
	  ".scope",
		"", "cri-o:" SHORT },
	{ "/kubepods.slice/kubepods-besteffort.slice/"
	  "kubepods-besteffort-pod3f0d2a1c_5b7e.slice/crio-conmon-" ID ".scope",
		"", "" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod3f0d2a1c.slice/docker-" ID
	  ".scope",
		"", "docker:" SHORT },
	{ "/system.slice/containerd.service/kubepods-burstable-pod3f0d.slice:cri-containerd:" ID,
		"containerd.service", "containerd:" SHORT },
	{ "/system.slice/docker-" OTHER ".scope/kubelet.slice/kubelet-kubepods.slice/"
	  "kubelet-kubepods-pod3f.slice/cri-containerd-" ID ".scope",
		"", "containerd:" SHORT },
	{ "/system.slice/kubelet.service", "kubelet.service", "" },
	/* kubernetes: cgroupfs driver */
	{ "/kubepods/" POD "/" ID, "", "kubernetes:" SHORT },
	{ "/kubepods/burstable/" POD "/" ID, "", "kubernetes:" SHORT },
	{ "/kubepods/besteffort/" POD "/" ID "/child", "", "kubernetes:" SHORT },
	{ "/kubepods/burstable/" POD, "", "" },
	{ "/ecs/55091c13b8cf4801b55f4601742204fa/" ID, "", "ecs:" SHORT },
	{ "/default/" ID, "", "container:" SHORT },
	{ "/system.slice/nerdctl-" ID ".scope", "", "containerd:" SHORT },
	/* lxc, lxd */
	{ "/lxc/web1", "", "lxc:web1" },
	{ "/lxc/101/ns", "", "lxc:101" },
	{ "/lxc.payload.web1/system.slice/ssh.service", "ssh.service", "lxc:web1" },
	{ "/lxc.payload/web1", "", "lxc:web1" },
	{ "/lxc.monitor.web1", "", "" },
	/* nspawn and machines */
	{ "/machine.slice/systemd-nspawn@deb12.service/payload/system.slice/cron.service",
		"cron.service", "nspawn:deb12" },
	{ "/machine.slice/systemd-nspawn@deb12.service/payload", "", "nspawn:deb12" },
	{ "/machine.slice/systemd-nspawn@deb12.service/supervisor", "systemd-nspawn@deb12.service",
		"" },
	{ "/machine.slice/machine-my\\x2dbox.scope", "", "nspawn:my-box" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "", "" },
	/* no ids */
	{ "/foo/" SHORT, "", "" },
	{ "/docker/8F14E45FCEEA", "", "" },
	{ "//system.slice//cron.service/", "cron.service", "" },
	{ "", "", "" },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cgroup_names names;

		cgroup_parse(cases[i].path, &names);
		if (strcmp(names.unit, cases[i].unit) ||
			strcmp(names.container, cases[i].container))
			fail_msg("%s: unit '%s' container '%s'", cases[i].path, names.unit,
				names.container);
	}
}

static void test_long_names_are_cut(void **state)
{
	char path[2048] = "/system.slice/";
	struct cgroup_names names;

	(void)state;
	memset(path + 14, 'x', 1000);
	strcpy(path + 1014, ".service");
	cgroup_parse(path, &names);
	assert_int_equal(strlen(names.unit), CGROUP_UNIT_SIZE - 1);
	strcpy(path, "/lxc/");
	memset(path + 5, 'y', 1000);
	path[1005] = '\0';
	cgroup_parse(path, &names);
	assert_int_equal(strlen(names.container), CGROUP_CONTAINER_SIZE - 1);
}

static void test_path_of_proc(void **state)
{
	static const struct {
		const char *text, *path;
		int result;
	} texts[] = {
		{ "0::/system.slice/cron.service\n", "/system.slice/cron.service", 0 },
		{ "0::/\n", "/", 0 },
		{ "12:memory:/docker/x\n1:name=systemd:/system.slice/a.service\n0::/b.scope\n",
			"/b.scope", 0 },
		{ "12:memory:/docker/x\n1:name=systemd:/system.slice/a.service\n0::/\n",
			"/system.slice/a.service", 0 },
		{ "4:memory:/docker/x\n3:cpuset:/\n", "/docker/x", 0 },
		{ "0::/with:colon\n", "/with:colon", 0 },
		{ "", "", -ENOENT },
		{ "garbage\n", "", -ENOENT },
		{ "0::/a-path-that-is-longer-than-the-room-it-gets-here\n", "", -ENAMETOOLONG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char path[40] = "";

		assert_int_equal(
			cgroup_path_of_proc(texts[i].text, path, sizeof(path)), texts[i].result);
		assert_string_equal(path, texts[i].path);
	}
}

/* The id of a group is the inode number of its directory; needs root and a v2 hierarchy. */
static void test_path_of_id(void **state)
{
	int root = cgroupfs_open_root();
	char name[64], path[CGROUP_PATH_SIZE];
	struct stat info;
	int err;

	(void)state;
	if (root < 0 || geteuid())
		skip();
	snprintf(name, sizeof(name), "test-cgroup-%d", (int)getpid());
	if (mkdirat(root, name, 0755)) {
		close(root);
		skip();
	}
	assert_int_equal(fstatat(root, name, &info, 0), 0);
	err = cgroupfs_path_of_id(root, info.st_ino, path, sizeof(path));
	unlinkat(root, name, AT_REMOVEDIR);
	assert_int_equal(err, 0);
	assert_string_equal(path + 1, name);
	assert_int_equal(cgroupfs_path_of_id(root, info.st_ino, path, sizeof(path)), -ESTALE);
	close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_path_of_proc),
		cmocka_unit_test(test_path_of_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
