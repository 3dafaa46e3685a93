import SuperviseFormats

/// Whether another user could put something else in place of what a run keeps, or executes.
///
/// A user who may rename a directory, or a name in it, decides what a path below it leads to.
package struct PlaceTrust: Equatable, Sendable {
    /// A directory, a link or a file on the way to it.
    package struct Step: Equatable, Sendable {
        package var path: String
        package var kind: Kind
        package var user: UInt32
        package var group: UInt32
        /// The permissions, such as 0o1777.
        package var mode: UInt32

        package enum Kind: Sendable { case directory, link, other }

        package init(path: String, kind: Kind, user: UInt32, group: UInt32, mode: UInt32) {
            self.path = path
            self.kind = kind
            self.user = user
            self.group = group
            self.mode = mode
        }

        /// In a sticky directory only the owner of a name may rename it. A link has no permissions.
        fileprivate func isOpen(to bit: UInt32) -> Bool {
            let isSticky = kind == .directory && mode & 0o1000 != 0
            return kind != .link && !isSticky && mode & bit != 0
        }
    }

    /// The first step that somebody else may change.
    package struct Weakness: Equatable, Sendable {
        package var step: Step
        package var reason: Reason

        package enum Reason: Sendable { case owned, writableByGroup, writableByAll }

        package init(step: Step, reason: Reason) {
            self.step = step
            self.reason = reason
        }
    }

    package enum Verdict: Equatable, Sendable {
        case trusted
        /// Others can change it, and no job of another user could get the rights of root by that.
        case warned(Weakness)
        case refused(Weakness)
    }

    /// From the root on.
    package var steps: [Step]

    package init(steps: [Step]) { self.steps = steps }

    /// - Parameters:
    ///   - user: who the supervisor is.
    ///   - jobIsAnother: the job is another user, who must not get the supervisor's rights.
    package func verdict(user: UInt32, group: UInt32, jobIsAnother: Bool) -> Verdict {
        guard let weakness = weakness(besides: user, group: group) else { return .trusted }
        return user == 0 && jobIsAnother ? .refused(weakness) : .warned(weakness)
    }

    /// What a user other than root and this one may change. The group of a user who is not root counts as
    /// the user's own.
    private func weakness(besides user: UInt32, group: UInt32) -> Weakness? {
        let groups = user == 0 ? [0] : [0, group]
        return first { step in
            if step.user != 0, step.user != user { return .owned }
            if step.isOpen(to: 0o002) { return .writableByAll }
            return step.isOpen(to: 0o020) && !groups.contains(step.group) ? .writableByGroup : nil
        }
    }

    /// What this user may change; nothing for root, who may change everything.
    package func weakness(against user: UInt32, groups: [UInt32]) -> Weakness? {
        if user == 0 { return nil }
        return first { step in
            if step.user == user { return .owned }
            if step.isOpen(to: 0o002) { return .writableByAll }
            return step.isOpen(to: 0o020) && groups.contains(step.group) ? .writableByGroup : nil
        }
    }

    private func first(_ reason: (Step) -> Weakness.Reason?) -> Weakness? {
        for step in steps {
            if let found = reason(step) { return Weakness(step: step, reason: found) }
        }
        return nil
    }
}

/// What is mounted where, as `/proc/self/mountinfo` lists it (proc(5)).
package struct MountTable: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        /// The mount point.
        package var point: FilePath
        /// Of the file system, such as `ext4`.
        package var kind: String
        /// Such as `/dev/sdb1`.
        package var source: String

        /// A file system of its own is mounted there, and not only the trigger that mounts it (autofs).
        package var isDisk: Bool { point != "/" && kind != "autofs" }
    }

    private let entries: [Entry]

    package init(_ text: String) {
        entries = text.split(separator: "\n").compactMap { Self.entry($0) }
    }

    /// The file system that a path is on; nil if the table does not tell.
    ///
    /// - Parameter path: absolute, without links.
    package func entry(of path: FilePath) -> Entry? {
        var found: Entry?
        for entry in entries where path.isBelow(entry.point) {
            // Of two at one point, the later one lies on top.
            let length = found?.point.components.count ?? 0
            if entry.point.components.count >= length { found = entry }
        }
        return found
    }

    /// The optional fields end with a dash.
    private static func entry(_ line: Substring) -> Entry? {
        let words = line.split(separator: " ")
        guard words.count > 6, let dash = words[6...].firstIndex(of: "-"), dash + 2 < words.count
        else { return nil }
        return Entry(
            point: FilePath(unescaped(words[4])), kind: String(words[dash + 1]),
            source: unescaped(words[dash + 2]))
    }

    /// With the bytes that stand as `\040` (octal) there.
    private static func unescaped(_ word: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = word.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(Substring(digits)), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
