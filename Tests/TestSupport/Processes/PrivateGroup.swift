import Glibc
import SuperviseSystem

/// A control group of version 2 for one test, below the one that we are in; removed with it, and
/// whoever is in it is killed. Only root can make one.
package final class PrivateGroup {
    /// Its directory.
    package let path: String

    /// - Parameter isDelegated: whether it says that it is left to who lives in it.
    package init(isDelegated: Bool = true) throws {
        let root = try Self.root.unwrapped("version 2 of control groups is not mounted")
        path = "\(root)/supervise-test-\(processId())-\(try randomHex(bytes: 4))"
        try Disk().makeDirectory(path)
        guard isDelegated else { return }
        let line = "import os, sys; os.setxattr(sys.argv[1], 'user.delegate', b'1')"
        let mark = try Program(
            ["python3", "-c", line, path], environment: ["PATH": environmentVariable("PATH") ?? ""],
            directory: "/", hasInput: false)
        guard try mark.waitForEnd() == .exited(0) else { throw mark.failure("no mark") }
    }

    deinit {
        try? write("cgroup.kill", "1")
        // The kernel takes the dead out of it a moment after their end.
        try? waitBriefly {
            for name in try groups() { rmdir("\(path)/\(name)") }
            return rmdir(path) == 0
        }
    }

    /// A command that runs another one in it.
    package func command(_ words: [String]) -> [String] {
        ["sh", "-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", path] + words
    }

    /// The names of the groups in it.
    package func groups() throws -> [String] {
        try Disk().list(path).map(\.name).filter { pathExists("\(path)/\($0)/cgroup.procs") }
    }

    /// Whether a group of these in it has this process as a member.
    package func has(_ pid: Int32, in name: String) throws -> Bool {
        try readSmallFile("\(path)/\(name)/cgroup.procs").split(separator: "\n")
            .contains("\(pid)")
    }

    package func write(_ name: String, _ text: String) throws {
        let file = "\(path)/\(name)"
        let number = try systemCall("open", file) { open(file, O_WRONLY | O_CLOEXEC) }
        defer { close(number) }
        let bytes = Array(text.utf8)
        try systemCall("write", file) { Glibc.write(number, bytes, bytes.count) }
    }

    private static var root: String? {
        guard let groups = try? readSmallFile("/proc/self/cgroup"),
            let mounts = try? readSmallFile("/proc/self/mountinfo")
        else { return nil }
        return GroupPlace(groups: groups, mounts: mounts)?.directory
    }

    /// Whether one can be made here, that the kernel can end.
    package static let isPossible: Bool = {
        guard userId() == 0, let group = try? PrivateGroup() else { return false }
        return pathExists("\(group.path)/cgroup.kill")
    }()
}

extension Optional {
    /// - Throws: ``TestFailure`` with this text where there is nothing.
    package func unwrapped(_ otherwise: String) throws -> Wrapped {
        guard let self else { throw TestFailure(otherwise) }
        return self
    }
}
