import Testing

@testable import SuperviseSystem

@Suite("Where the kernel counts what it kills for lack of memory")
struct OutOfMemoryCountTests {
    private let unified = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
    private let first =
        "36 24 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        + "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

    private func files(_ groups: String, _ mounts: String) -> [String] {
        OutOfMemoryCount.candidates(groups: groups, mounts: mounts).map(\.file)
    }

    @Test("in memory.events of our group of version 2")
    func second() {
        #expect(
            files("0::/system.slice/a.service\n", unified)
                == ["/sys/fs/cgroup/system.slice/a.service/memory.events"])
    }

    @Test("in memory.oom_control of our group of version 1")
    func firstVersion() {
        #expect(
            files("9:cpu:/x\n4:memory:/a/b\n", first)
                == ["/sys/fs/cgroup/memory/a/b/memory.oom_control"])
        #expect(
            files("4:hugetlb,memory:/\n", first) == ["/sys/fs/cgroup/memory/memory.oom_control"])
    }

    @Test("where both versions are mounted, in either, the second first")
    func hybrid() {
        let mounts = unified.replacing("/sys/fs/cgroup ", with: "/sys/fs/cgroup/unified ") + first
        #expect(
            files("4:memory:/a\n0::/b\n", mounts) == [
                "/sys/fs/cgroup/unified/b/memory.events",
                "/sys/fs/cgroup/memory/a/memory.oom_control",
            ])
    }

    @Test("nowhere, where no memory is counted")
    func nowhere() {
        #expect(files("9:cpu:/x\n", first).isEmpty)
        #expect(files("4:memory:/a\n", "").isEmpty)
        #expect(files("", unified).isEmpty)
    }

    @Test("the line oom_kill is read, and none of the others")
    func read() throws {
        let directory = try TemporaryDirectory()
        let all = try directory.write("a", "low 1\noom 5\noom_kill 3\noom_group_kill 9\n")
        #expect(OutOfMemoryCount(file: all).value() == 3)
        let others = try directory.write("b", "low 1\noom 5\n")
        #expect(OutOfMemoryCount(file: others).value() == nil)
        #expect(OutOfMemoryCount(file: directory.path + "/none").value() == nil)
    }
}
