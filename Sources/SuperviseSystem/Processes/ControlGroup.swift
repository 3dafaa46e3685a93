import CLinux
import Glibc

/// A control group that all of a job is born in: whoever of it has left its session, its parents and
/// its environment behind is still there, and one word to the kernel ends them all.
///
/// It is made only where our own group was left to us, and everything works without it. No limit is
/// set and no controller used, so that nobody has to be moved: not we, not others.
package final class ControlGroup: Sendable {
    /// Where it is, and what the kernel calls it.
    package let place: GroupPlace
    /// To be born in.
    package let directory: FileDescriptor
    private let events: FileDescriptor
    private let strings: GroupStrings

    /// Makes it in our own group, or takes it where it is there already.
    ///
    /// - Returns: nil where nothing was left to us, or the kernel cannot end a group (before Linux
    ///   5.14).
    package static func make(_ name: String) -> ControlGroup? {
        guard let ours = GroupPlace.delegated() else { return nil }
        let place = GroupPlace(
            directory: "\(ours.directory)/\(name)",
            path: ours.path == "/" ? "/\(name)" : "\(ours.path)/\(name)")
        return try? ControlGroup(place)
    }

    private init(_ place: GroupPlace) throws(SystemError) {
        let path = place.directory
        do throws(SystemError) {
            try systemCall("mkdir", path) { mkdir(path, 0o755) }
        } catch {
            if error.code != EEXIST { throw error }
        }
        do throws(SystemError) {
            try systemCall("access", path) {
                faccessat(AT_FDCWD, "\(path)/cgroup.kill", W_OK, AT_EACCESS)
            }
            directory = FileDescriptor(
                adopting: try systemCall("open", path) {
                    open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                })
            events = FileDescriptor(
                adopting: try systemCall("open", path) {
                    open("\(path)/cgroup.events", O_RDONLY | O_CLOEXEC)
                })
        } catch {
            cl_cgroup_remove(path)
            throw error
        }
        strings = GroupStrings(place)
        self.place = place
    }

    /// An empty one in the place of this: a group that was killed once stays deadly, for a child that
    /// is born in it gets the same signal (Linux 5.14 to 6.18 at least).
    ///
    /// - Returns: nil where this one cannot be removed, or no other one made.
    package func renewed() -> ControlGroup? {
        cl_cgroup_remove(place.directory) == 0 ? try? ControlGroup(place) : nil
    }

    /// For C, as long as this value lives.
    var native: UnsafePointer<cl_cgroup> { strings.native }

    /// Kills all that is in it or below; they end soon after.
    package func kill() {
        cl_cgroup_kill(place.directory)
    }

    /// Whether somebody lives in a group or below.
    package enum Population: Equatable, Sendable {
        case nobody
        case somebody
        /// It cannot be read now.
        case unknown(SystemError)
    }

    package var population: Population {
        var text = [UInt8](repeating: 0, count: 256)
        let number = events.rawValue
        do throws(SystemError) {
            let count = try systemCall("pread", "\(place.directory)/cgroup.events") {
                pread(number, &text, text.count, 0)
            }
            let lines = String(decoding: text.prefix(count), as: UTF8.self).split(separator: "\n")
            if lines.contains("populated 1") { return .somebody }
            if lines.contains("populated 0") { return .nobody }
            return .unknown(
                SystemError(
                    call: "pread", code: EIO, subject: "\(place.directory)/cgroup.events"))
        } catch {
            // The group was removed, which is only possible if nobody was in it.
            return error.code == ENODEV ? .nobody : .unknown(error)
        }
    }

    /// Ready for ``EventLoop/Interest/urgent`` when that may have changed since it was last asked.
    package var changes: Int32 { events.rawValue }

    /// Removes it and what is below, where nobody lives there.
    package func remove() {
        cl_cgroup_remove(place.directory)
    }
}

/// The two strings of a group at an address that stays.
private final class GroupStrings: @unchecked Sendable {
    let native: UnsafePointer<cl_cgroup>
    private let words: CStrings

    init(_ place: GroupPlace) {
        words = CStrings([place.directory, place.path])
        let group = UnsafeMutablePointer<cl_cgroup>.allocate(capacity: 1)
        group.initialize(
            to: cl_cgroup(directory: words.constants[0], path: words.constants[1]))
        native = UnsafePointer(group)
    }

    deinit {
        native.deallocate()
    }
}

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
