import CLinux
import Glibc

/// The users and groups of this machine.
///
/// `/etc/passwd` and `/etc/group` are read here: the C library's own look-up loads modules, which a
/// static program cannot. Whoever is not in them, as with a directory service, is asked for with
/// `getent`, where that is installed.
package struct UserDatabase: Sendable {
    /// Why there is no such identity: a sentence that says what to do.
    package struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
        package let description: String
    }

    private let readFile: @Sendable (String) -> String
    private let ask: @Sendable (_ database: String, _ key: String) -> String

    /// - Parameters:
    ///   - readFile: the text of a file, empty where it cannot be read.
    ///   - ask: what `getent` answers.
    package init(
        readFile: @escaping @Sendable (String) -> String = { (try? readSmallFile($0)) ?? "" },
        ask: @escaping @Sendable (_ database: String, _ key: String) -> String = {
            (try? outputOfProgram(["getent", $0, $1])) ?? ""
        }
    ) {
        self.readFile = readFile
        self.ask = ask
    }

    /// Who `USER` or `USER:GROUP` is, each a name or a number.
    ///
    /// - Parameter group: nil for the user's own primary group.
    package func identity(
        user: String, group: String?
    ) throws(Problem) -> UserIdentity {
        let account = try account(user)
        let name = account?.first ?? user
        guard let number = account.flatMap({ UInt32($0[2]) }) ?? Self.number(user) else {
            throw Problem(description: "there is no user \(user)")
        }
        let primary: UInt32
        if let group {
            primary = try self.group(group)
        } else if let own = account.flatMap({ UInt32($0[3]) }) {
            primary = own
        } else {
            throw Problem(
                description: "user \(user) has no entry in /etc/passwd, so its group is to be "
                    + "given too, as in \(user):\(user)")
        }
        let home = account?[5] ?? ""
        let shell = account.flatMap { $0.count > 6 ? $0[6] : nil } ?? ""
        return UserIdentity(
            user: number, group: primary,
            groups: account == nil ? [] : groups(of: name).filter { $0 != primary }, name: name,
            home: home.isEmpty ? "/" : home, shell: shell.isEmpty ? "/bin/sh" : shell)
    }

    /// How a user is called in a message, such as `user ada (1000)`.
    package func description(of user: UInt32) -> String {
        let number = String(user)
        let entry = entries("/etc/passwd", fields: 6).first { $0[2] == number }
        return entry.map { "user \($0[0]) (\(number))" } ?? "user \(number)"
    }

    /// The fields of the entry in passwd(5); nil for a number without one.
    private func account(_ user: String) throws(Problem) -> [String]? {
        // A name may consist of digits, and comes first.
        for index in [0, 2] {
            if let found = entries("/etc/passwd", fields: 6).first(where: { $0[index] == user }) {
                return found
            }
        }
        return Self.entries(ask("passwd", user), fields: 6).first {
            $0[0] == user || $0[2] == user
        }
    }

    private func group(_ group: String) throws(Problem) -> UInt32 {
        let entries = entries("/etc/group", fields: 3)
        let asked = { Self.entries(ask("group", group), fields: 3).first { $0[0] == group } }
        if let entry = entries.first(where: { $0[0] == group }), let found = UInt32(entry[2]) {
            return found
        }
        if let number = Self.number(group) { return number }
        if let entry = asked(), let found = UInt32(entry[2]) { return found }
        throw Problem(description: "there is no group \(group)")
    }

    /// Those that name the user as a member.
    private func groups(of name: String) -> [UInt32] {
        let local = entries("/etc/group", fields: 4).filter {
            $0[3].split(separator: ",").contains { $0 == name }
        }
        var numbers = local.compactMap { UInt32($0[2]) }
        if !entries("/etc/passwd", fields: 6).contains(where: { $0[0] == name }) {
            // The name, and then the numbers.
            let words = ask("initgroups", name).split(whereSeparator: \.isWhitespace)
            numbers += words.dropFirst().compactMap { UInt32($0) }
        }
        var seen: Set<UInt32> = []
        return numbers.filter { seen.insert($0).inserted }
    }

    private func entries(_ path: String, fields: Int) -> [[String]] {
        Self.entries(readFile(path), fields: fields)
    }

    private static func entries(_ text: String, fields: Int) -> [[String]] {
        text.split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
        .filter { $0.count >= fields }
    }

    /// The largest one means "nobody in particular" to the kernel.
    private static func number(_ text: String) -> UInt32? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt32(text),
            number != .max
        else { return nil }
        return number
    }
}

/// All that a program says on standard output, whatever its exit status is. For the start, when
/// there is no loop yet that reaps.
///
/// - Throws: what starting it can throw, and that it is not there.
package func outputOfProgram(_ command: [String]) throws(SystemError) -> String {
    let pipe = try FileDescriptor.pipe()
    let environment = environmentVariables().map { "\($0)=\($1)" }
    let child = try spawn(
        SpawnRequest(
            command: command, environment: environment, directory: HelperPlace.directory,
            standardInput: .null,
            standardOutput: .descriptor(pipe.write.rawValue), standardError: .null))
    pipe.write.close()
    var bytes: [UInt8] = []
    while case .bytes = try readAvailable(pipe.read.rawValue, into: &bytes) {}
    _ = try child.process.waitForEnd(atMost: nil)
    waitpid(child.pid, nil, 0)
    if case .failed(let error) = child.readExecResult(hasEnded: true) { throw error }
    return String(decoding: bytes, as: UTF8.self)
}

/// Who a process is, and what it finds about itself in its environment.
package struct UserIdentity: Equatable, Sendable {
    package var user: UInt32
    /// The primary group.
    package var group: UInt32
    /// All groups but the primary one may stand here too.
    package var groups: [UInt32]
    /// Its number where it has no name.
    package var name: String
    package var home: String
    package var shell: String

    package init(
        user: UInt32, group: UInt32, groups: [UInt32] = [], name: String, home: String,
        shell: String
    ) {
        self.user = user
        self.group = group
        self.groups = groups
        self.name = name
        self.home = home
        self.shell = shell
    }
}

/// Does something in this thread with another user's rights to files, and no more than those; as we
/// are where `identity` is nil. Descriptors that are open stay as they are.
///
/// Whoever is given a path by a process with fewer rights opens it so, or it would open for that
/// process what the process itself cannot.
package func acting<Result, Failure: Error>(
    as identity: UserIdentity?, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    guard let identity else { return try body() }
    let count = max(0, getgroups(0, nil))
    var ours = [gid_t](repeating: 0, count: Int(count))
    let known = getgroups(count, &ours)
    precondition(known == count, "our groups have changed")
    let changed = cl_act_as(
        identity.user, identity.group, identity.groups, identity.groups.count)
    defer { cl_act_as_ourselves(ours, ours.count) }
    precondition(changed == 0, "the user was possible when we started, and is not now")
    return try body()
}
