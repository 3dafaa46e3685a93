import CLinux
import Glibc

/// Counts the processes that the kernel has killed for lack of memory, in one control group.
///
/// Version 2 counts in `memory.events` (cgroups(7)), version 1 in `memory.oom_control`.
package struct OutOfMemoryCount: Equatable, Sendable {
    /// The file with the line `oom_kill N`.
    package let file: String

    package init(file: String) {
        self.file = file
    }

    /// That of the job's group where it has one, else that of our own group.
    ///
    /// - Returns: it, and its value now; nil where neither group counts memory: nobody can tell then.
    package static func find(
        of group: ControlGroup?
    ) -> (count: OutOfMemoryCount, value: Int)? {
        for count in [group.map { OutOfMemoryCount(in: $0.place.directory) }, ofOurGroup] {
            if let count, let value = count.value() { return (count, value) }
        }
        return nil
    }

    /// We stay in the group that we were started in, so it is looked for once.
    private static let ofOurGroup: OutOfMemoryCount? = {
        guard let groups = try? readSmallFile("/proc/self/cgroup") else { return nil }
        // Mostly it is where it always is, and the kernel takes long to tell of all mounts. In a
        // namespace, groups of the same path may be somebody else's.
        if cl_cgroup_has_namespace() == 0,
            let usual = usual(groups: groups).first(where: { $0.value() != nil })
        {
            return usual
        }
        guard let mounts = try? readSmallFile("/proc/self/mountinfo") else { return nil }
        return candidates(groups: groups, mounts: mounts).first { $0.value() != nil }
    }()

    /// Where systemd mounts the groups, without a look at what is mounted.
    static func usual(groups: String) -> [OutOfMemoryCount] {
        let unified = GroupPlace.ownPath(groups).map {
            OutOfMemoryCount(in: "/sys/fs/cgroup" + ($0 == "/" ? "" : $0))
        }
        let first = GroupPlace.memoryPath(groups).map {
            OutOfMemoryCount(
                file: "/sys/fs/cgroup/memory\($0 == "/" ? "" : $0)/memory.oom_control")
        }
        return [unified, first].compactMap { $0 }
    }

    /// Where our own group may count it.
    static func candidates(groups: String, mounts: String) -> [OutOfMemoryCount] {
        var found: [OutOfMemoryCount] = []
        if let place = GroupPlace(groups: groups, mounts: mounts) {
            found.append(OutOfMemoryCount(in: place.directory))
        }
        if let place = GroupPlace(ofMemory: groups, mounts: mounts) {
            found.append(OutOfMemoryCount(file: "\(place.directory)/memory.oom_control"))
        }
        return found
    }

    private init(in directory: String) {
        file = "\(directory)/memory.events"
    }

    /// How many there were since the group was made; nil where it cannot be read.
    package func value() -> Int? {
        guard let text = try? readSmallFile(file) else { return nil }
        return "\n\(text)".withCString { lines in
            strstr(lines, "\noom_kill ").map { strtol($0 + "\noom_kill ".utf8.count, nil, 10) }
        }
    }
}
