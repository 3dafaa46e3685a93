import CLinux
import Glibc

/// Our own control group of version 2 (cgroups(7)): where it is mounted, and what the kernel calls it.
package struct GroupPlace: Equatable, Sendable {
    /// The directory, absolute.
    package var directory: String
    /// As in /proc/PID/cgroup: `/`, `/system.slice/train.service`.
    package var path: String

    package init(directory: String, path: String) {
        self.directory = directory
        self.path = path
    }

    /// - Parameters:
    ///   - groups: what /proc/self/cgroup says: a line for each hierarchy, `0::` before that of
    ///     version 2.
    ///   - mounts: what /proc/self/mountinfo says (proc(5)).
    /// - Returns: nil where version 2 is not mounted, or our group is outside of what is.
    package init?(groups: String, mounts: String) {
        guard let own = Self.ownPath(groups) else { return nil }
        self.init(path: own, of: "cgroup2", with: nil, mounts: mounts)
    }

    /// The group of version 1 that limits our memory, on machines that have one.
    package init?(ofMemory groups: String, mounts: String) {
        guard let own = Self.memoryPath(groups) else { return nil }
        self.init(path: own, of: "cgroup", with: "memory", mounts: mounts)
    }

    /// nil where there is no such hierarchy.
    static func memoryPath(_ groups: String) -> String? {
        for line in groups.split(separator: "\n") {
            let fields = line.split(
                separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            if fields.count == 3, fields[1].split(separator: ",").contains("memory") {
                return String(fields[2])
            }
        }
        return nil
    }

    /// - Parameters:
    ///   - type: that of the file system.
    ///   - controller: one of the mount's own options; nil asks for none.
    private init?(path own: String, of type: String, with controller: String?, mounts: String) {
        path = own
        // By bytes: there may be thousands of mounts, and hardly any is one.
        for line in Self.parts(of: Array(mounts.utf8)[...], at: "\n")
        where Self.mayBe(type, line) {
            let fields = Self.parts(of: line, at: " ")
            // Of the fields before the dash there may be more or less.
            guard fields.count > 4,
                let dash = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }),
                fields[dash...].dropFirst().first?.elementsEqual(type.utf8) == true,
                Self.has(controller, fields.last ?? []),
                let below = Self.relative(own[...], to: Self.text(fields[3])[...])
            else { continue }
            let mountPoint = Self.unescaped(Self.text(fields[4])[...])
            directory = below.isEmpty ? mountPoint : "\(mountPoint)\(below)"
            return
        }
        return nil
    }

    /// nil where our group is outside of our namespace, or was removed while we are in it.
    static func ownPath(_ groups: String) -> String? {
        let line = "\n\(groups)".withCString { text in
            strstr(text, "\n0::/").map {
                Self.text(UnsafeRawBufferPointer(start: $0 + 4, count: strcspn($0 + 4, "\n")))
            }
        }
        guard let line, !line.hasPrefix("/.."), !line.hasSuffix(" (deleted)") else { return nil }
        return line
    }

    private static func mayBe(_ type: String, _ line: ArraySlice<UInt8>) -> Bool {
        strstr(text(line), " \(type) ") != nil
    }

    private static func has(_ controller: String?, _ options: ArraySlice<UInt8>) -> Bool {
        guard let controller else { return true }
        return parts(of: options, at: ",").contains { $0.elementsEqual(controller.utf8) }
    }

    private static func parts(
        of bytes: ArraySlice<UInt8>, at separator: Unicode.Scalar
    ) -> [ArraySlice<UInt8>] {
        bytes.split(separator: UInt8(ascii: separator))
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// `/b` where the path is `/a/b` and the root `/a`; nil where it is not below.
    private static func relative(_ path: Substring, to root: Substring) -> Substring? {
        if root == "/" { return path == "/" ? "" : path }
        // By bytes: to `String` a slash before a combining mark is no slash.
        guard path.utf8.starts(with: root.utf8) else { return nil }
        let rest = path.utf8.dropFirst(root.utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "/") ? Substring(rest) : nil
    }

    /// The kernel writes spaces and the like as `\040`, in octal.
    private static func unescaped(_ field: Substring) -> String {
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(3), as: UTF8.self)
            if byte == UInt8(ascii: "\\"), digits.utf8.count == 3,
                let code = UInt8(digits, radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Ours, where it was left to us to make groups in it: by our service manager (systemd's
    /// `Delegate=yes`), or because a container's groups begin with it.
    ///
    /// Nobody else's group is touched: its owner counts on being the only one.
    package static func delegated() -> GroupPlace? {
        guard let groups = try? readSmallFile("/proc/self/cgroup"), let own = ownPath(groups)
        else { return nil }
        // Mostly it is where it always is, and not ours: the kernel takes long to tell of all mounts.
        if let usual = usualPlace(of: own), !usual.isLeftToUs { return nil }
        guard let mounts = try? readSmallFile("/proc/self/mountinfo"),
            let place = GroupPlace(groups: groups, mounts: mounts)
        else { return nil }
        return place.isLeftToUs ? place : nil
    }

    /// Where systemd mounts version 2, alone or beside version 1. In a namespace, groups of the same
    /// path may be somebody else's.
    private static func usualPlace(of path: String) -> GroupPlace? {
        guard cl_cgroup_has_namespace() == 0 else { return nil }
        for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            let directory = path == "/" ? root : root + path
            if cl_cgroup_is_one(directory) != 0 {
                return GroupPlace(directory: directory, path: path)
            }
        }
        return nil
    }

    private var isLeftToUs: Bool {
        // The machine's own root group has no such file, a namespace's has.
        (path == "/" && pathExists("\(directory)/cgroup.events"))
            || cl_cgroup_is_delegated(directory) != 0
    }
}
