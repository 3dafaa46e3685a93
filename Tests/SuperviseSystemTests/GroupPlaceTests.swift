import SuperviseSystem
import Testing

@Suite("Where our control group is")
struct GroupPlaceTests {
    private let unified =
        "24 1 0:21 / /proc rw - proc proc rw\n"
        + "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

    @Test("below the mount, as the kernel calls it")
    func unifiedTree() {
        let place = GroupPlace(groups: "0::/system.slice/train.service\n", mounts: unified)
        #expect(place?.directory == "/sys/fs/cgroup/system.slice/train.service")
        #expect(place?.path == "/system.slice/train.service")
        #expect(GroupPlace(groups: "0::/\n", mounts: unified)?.directory == "/sys/fs/cgroup")
    }

    @Test("beside hierarchies of version 1")
    func hybrid() {
        let mounts =
            "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        let place = GroupPlace(groups: "4:memory:/a\n1:name=systemd:/b\n0::/c\n", mounts: mounts)
        #expect(place == GroupPlace(directory: "/sys/fs/cgroup/unified/c", path: "/c"))
    }

    @Test("where only a part of the tree is mounted, below that, and nowhere else")
    func partOfTree() {
        let mounts = "41 31 0:38 /docker/0a1b /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        #expect(
            GroupPlace(groups: "0::/docker/0a1b/job\n", mounts: mounts)
                == GroupPlace(directory: "/sys/fs/cgroup/job", path: "/docker/0a1b/job"))
        #expect(
            GroupPlace(groups: "0::/docker/0a1b\n", mounts: mounts)?.directory == "/sys/fs/cgroup")
        for outside in ["/docker/0a1bc", "/docker", "/"] {
            #expect(GroupPlace(groups: "0::\(outside)\n", mounts: mounts) == nil, "\(outside)")
        }
        // Another mount of it may have more.
        #expect(
            GroupPlace(groups: "0::/docker/x\n", mounts: mounts + unified)?.directory
                == "/sys/fs/cgroup/docker/x")
    }

    @Test("a mount with odd characters in its path")
    func oddMount() {
        let mounts = "41 31 0:38 / /mnt/a\\040b\\134c rw - cgroup2 none rw\n"
        #expect(GroupPlace(groups: "0::/x\n", mounts: mounts)?.directory == "/mnt/a b\\c/x")
    }

    @Test(
        "nowhere, where ours is outside of the namespace, removed, or there is none",
        arguments: ["0::/../other\n", "0::/gone (deleted)\n", "4:memory:/a\n", "", "0::\n"])
    func nowhere(groups: String) {
        #expect(GroupPlace(groups: groups, mounts: unified) == nil)
        #expect(GroupPlace(groups: "0::/a\n", mounts: "") == nil)
        #expect(GroupPlace(groups: "0::/a\n", mounts: "1 2 3 - cgroup2\nx\n\n- cgroup2\n") == nil)
    }
}
