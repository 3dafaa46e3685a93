import SuperviseFormats
import SuperviseSystem

/// What a command is told by the place where it was called, so that tests can tell it otherwise.
struct Surroundings: Sendable {
    var environment: [String: String]
    /// The working directory, an absolute path; many commands do without one that is gone.
    var directory: Result<String, SystemError>
    /// The columns of the terminal that is written to; nil where it is none.
    var width: Int?
    var now: Timestamp
    /// Seconds that local time is ahead of UTC at a moment.
    var secondsAheadOfUTC: @Sendable (Timestamp) -> Int = { _ in 0 }
    /// The whole text of a file.
    var readFile: @Sendable (String) throws(SystemError) -> String = readSmallFile

    /// Whether there is something at an absolute path.
    var exists: @Sendable (String) -> Bool = pathExists
    /// Whether there is a file at an absolute path that we may execute.
    var isExecutable: @Sendable (String) -> Bool = isProgram

    /// Whether two paths lead to the same directory.
    var isSameDirectory: @Sendable (String, String) -> Bool = leadToSameDirectory

    /// Whether a program of that name is found in PATH.
    func hasProgram(_ name: String) -> Bool {
        !name.isEmpty
            && pathOfProgram(name, in: environment["PATH"] ?? "", isProgram: isExecutable) != nil
    }

    /// Whether only plain characters are sure to be shown.
    var isPlain: Bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        guard let locale = names.lazy.compactMap({ environment[$0] }).first(where: { !$0.isEmpty })
        else { return false }
        let text = locale.lowercased()
        return !text.contains("utf-8") && !text.contains("utf8")
    }

    /// `path` as an absolute one; a leading `~/` is the home directory, also where no shell saw it.
    ///
    /// - Throws: ``Complaint`` where it goes by a working directory that is not there.
    func absolute(_ path: String) throws(Complaint) -> String {
        let given = FilePath(path)
        if given.isBelow("~"), let home {
            return Self.joined(home, given.below("~")?.text ?? "")
        }
        if given.isAbsolute { return Self.joined(path, "") }
        return Self.joined(try workingDirectory(), path)
    }

    /// The directory that `path` means, by the path that the shell knows the working directory by
    /// (`PWD`): that one stays the same where a link such as `current` leads to something else.
    ///
    /// - Returns: also its other path, without that link; nil if there is none.
    /// - Throws: ``Complaint`` as ``absolute(_:)``.
    func place(_ path: String) throws(Complaint) -> (directory: String, other: String?) {
        let plain = try absolute(path)
        guard !FilePath(path).isAbsolute, !FilePath(path).isBelow("~"),
            let base = absoluteVariable("PWD"), !Self.hasDots(base)
        else { return (plain, nil) }
        let shells = Self.joined(base, path)
        guard shells != plain, isSameDirectory(shells, plain) else { return (plain, nil) }
        return (shells, plain)
    }

    private static func hasDots(_ path: String) -> Bool {
        path.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }

    /// - Throws: ``Complaint`` where it is gone, or above it is what we cannot pass.
    func workingDirectory() throws(Complaint) -> String {
        switch directory {
        case .success(let path): return path
        case .failure(let error):
            throw Complaint(
                "cannot find out which directory this is: \(error); call it from another one")
        }
    }

    /// $HOME where it is an absolute path.
    var home: String? { absoluteVariable("HOME") }

    /// A variable that holds an absolute path; nil where it does not.
    func absoluteVariable(_ name: String) -> String? {
        environment[name].flatMap { FilePath($0).isAbsolute ? $0 : nil }
    }

    /// Without `.` and double slashes. A `..` stays: what is before it may be a symbolic link.
    private static func joined(_ base: String, _ path: String) -> String {
        var result = ""
        let parts = (base + "/" + path).utf8.split(separator: UInt8(ascii: "/"))
        for part in parts.map({ String(Substring($0)) }) where part != "." { result += "/" + part }
        return result.isEmpty ? "/" : result
    }
}
