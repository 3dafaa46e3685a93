import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

@testable import SuperviseHost

/// Where the socket of a run is.
@Suite("Socket path")
struct SocketPathTests {
    private let place: TemporaryDirectory

    init() throws {
        place = try TemporaryDirectory()
    }

    private func choose(_ variables: [String: String] = [:], run: String = "/state/it") throws
        -> String
    {
        try SocketPath(variable: { variables[$0] }, temporary: place.path).choose(for: run)
    }

    /// The one that the directory of the run is in.
    private func directory(_ path: String) -> String {
        path.split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
    }

    private func mode(_ path: String) throws -> UInt32 {
        try Disk().status(path).mode & 0o7777
    }

    @Test("one run always has the same, and another run another")
    func oneForEachRun() throws {
        #expect(try choose() == choose())
        #expect(try choose() != choose(run: "/state/other"))
        #expect(try choose(run: String(repeating: "long/", count: 100)).utf8.count <= 100)
    }

    @Test("the service manager's directory goes first, the first of several, as it is")
    func serviceManager() throws {
        let given = try place.makeDirectory("a")
        let variables = ["RUNTIME_DIRECTORY": "\(given):/run/b", "XDG_RUNTIME_DIR": place.path]
        #expect(directory(try choose(variables)) == given)
        let others = ["RUNTIME_DIRECTORY": "/no/such", "XDG_RUNTIME_DIR": place.path]
        #expect(directory(try choose(others)) == "\(place.path)/supervise")
    }

    @Test("each run has a directory of its own, which goes with its sockets and leaves the others")
    func ownDirectory() throws {
        let path = try choose()
        let other = try choose(run: "/state/other")
        #expect(parent(of: path) != parent(of: other))
        #expect(try mode(parent(of: path)) == 0o700)
        let listener = try UnixListener(path: path)
        let notices = try NoticeSocket(path: SocketPath.notices(beside: path))
        withExtendedLifetime((listener, notices)) { SocketPath.remove(path) }
        #expect(!pathExists(parent(of: path)))
        #expect(pathExists(parent(of: other)))
        SocketPath.remove(other)
        #expect(try Disk().list(directory(path)).isEmpty)
    }

    @Test("a directory that holds something else stays, and so does what is no socket")
    func foreignContent() throws {
        let path = try choose()
        try Disk().writeFile(path, [])
        SocketPath.remove(path)
        #expect(pathExists(path))
    }

    @Test("what a killed supervisor left elsewhere goes, and nothing of another run")
    func formerSocket() throws {
        let former = try choose(["XDG_RUNTIME_DIR": place.path])
        let older = "\(place.path)/\(SocketPath.directory(for: "/state/it")).sock"
        let others = try choose(["XDG_RUNTIME_DIR": place.path], run: "/state/other")
        let all = try [former, older, others].map { try UnixListener(path: $0) }
        let current = try choose()
        for path in [former, older, others, current, "/dev/log", ""] {
            SocketPath.removeFormer(path, of: "/state/it", unless: current)
        }
        SocketPath.removeFormer(nil, of: "/state/it", unless: current)
        withExtendedLifetime(all) {}
        #expect([former, older].allSatisfy { !pathExists($0) })
        #expect(!pathExists(parent(of: former)))
        #expect(pathExists(others))
        #expect(pathExists(parent(of: current)))
    }

    @Test("a socket is known by its run, also that of an earlier version")
    func known() throws {
        let name = SocketPath.directory(for: "/state/it")
        #expect(SocketPath.isSocket("/a/\(name)/sock", of: "/state/it"))
        #expect(SocketPath.isSocket("/a/\(name).sock", of: "/state/it"))
        #expect(!SocketPath.isSocket("/a/\(name)/sock", of: "/state/other"))
        #expect(SocketPath.notices(beside: "/a/\(name)/sock") == "/a/\(name)/note")
        #expect(SocketPath.notices(beside: "/a/\(name).sock") == "/a/\(name).note")
    }

    @Test("then a directory in the user's, which is made for us alone")
    func userDirectory() throws {
        let path = try choose(["XDG_RUNTIME_DIR": place.path])
        #expect(directory(path) == "\(place.path)/supervise")
        #expect(try mode("\(place.path)/supervise") == 0o700)
    }

    @Test("else one for temporary things", arguments: ["", "not/absolute", "/nowhere/at/all"])
    func temporaryDirectory(given: String) throws {
        let path = try choose(["XDG_RUNTIME_DIR": given])
        #expect(directory(path) == "\(place.path)/supervise-\(userId())")
        #expect(try Disk().status(directory(path)).mode & 0o7777 == 0o700)
    }

    @Test("a path that is too long is refused, by name and length")
    func tooLong() throws {
        let base = "/run/" + String(repeating: "x", count: 100)
        for variable in ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"] {
            let error = try #require(throws: StartError.self) { try choose([variable: base]) }
            #expect(error.description.contains("\(base)"))
            #expect(error.description.contains("set \(variable) to a shorter directory"))
        }
        #expect(!pathExists("\(place.path)/supervise-\(userId())"))
    }

    @Test("a directory that others may enter is not taken")
    func wrongMode() throws {
        let shared = try place.makeDirectory("supervise-\(userId())")
        try systemCall("chmod") { chmod(shared, 0o755) }
        try expectNew(try choose())
    }

    @Test("nor is a link to one")
    func link() throws {
        let target = try place.makeDirectory("target")
        try Disk().makeLink("\(place.path)/supervise-\(userId())", to: target)
        try expectNew(try choose())
        #expect(try Disk().list(target).isEmpty)
    }

    @Test("nor one of another user", .enabled(if: userId() == 0))
    func wrongOwner() throws {
        let foreign = try place.makeDirectory("supervise-0")
        try systemCall("chown") { chown(foreign, 65534, 65534) }
        try expectNew(try choose())
    }

    @Test("nor a file, nor anything of these in the user's directory")
    func file() throws {
        try place.write("supervise", "")
        let path = try choose(["XDG_RUNTIME_DIR": place.path])
        #expect(directory(path) == "\(place.path)/supervise-\(userId())")
        try Disk().removeTree(directory(path))
        try place.write("supervise-\(userId())", "")
        try expectNew(try choose())
    }

    @Test("TMPDIR goes before the system's, and one that cannot be used is passed over")
    func givenTemporary() throws {
        let own = try place.makeDirectory("t")
        #expect(directory(try choose(["TMPDIR": own + "/"])) == "\(own)/supervise-\(userId())")
        let long = try place.makeDirectory(String(repeating: "x", count: 60))
        for unusable in ["\(place.path)/missing", "relative", "", long] {
            #expect(
                directory(try choose(["TMPDIR": unusable]))
                    == "\(place.path)/supervise-\(userId())")
        }
        // With the user's own directory nothing temporary is needed.
        let path = try choose(["TMPDIR": own, "XDG_RUNTIME_DIR": place.path])
        #expect(directory(path) == "\(place.path)/supervise")
    }

    @Test("where nothing temporary can be made, it is below the state directory")
    func inState() throws {
        let state = try place.makeDirectory("state")
        let nowhere = SocketPath(variable: { _ in nil }, temporary: "\(place.path)/missing")
        let path = try nowhere.choose(for: "\(state)/it")
        #expect(directory(path) == "\(state)/.sockets")
        #expect(try mode("\(state)/.sockets") == 0o700 && mode(parent(of: path)) == 0o700)
        // The same by another path of that directory, as in another container.
        try Disk().makeLink("\(place.path)/link", to: state)
        let other = try nowhere.choose(for: "\(place.path)/link/it")
        #expect(FilePath(other).name == FilePath(path).name)
        #expect(parent(of: other).hasSuffix(FilePath(parent(of: path)).name))
        #expect(SocketPath.isSocket(path, of: "\(state)/it"))
        #expect(!SocketPath.isSocket(path, of: "\(state)/other"))
        #expect(!SocketPath.isSocket(path, of: "\(place.path)/elsewhere/it"))
        #expect(SocketBeside.path(of: "\(state)/it") == path)
        #expect(try SocketBeside.prepare(of: "\(state)/it", first: path) == nil)
        SocketPath.remove(path)
        #expect(try Disk().list("\(state)/.sockets").isEmpty)
    }

    @Test("where no directory can be made, that is said, with the variable to set")
    func nowhere() throws {
        let nowhere = SocketPath(variable: { _ in nil }, temporary: "\(place.path)/missing")
        let long = try place.makeDirectory(String(repeating: "x", count: 60))
        for state in ["\(place.path)/no/such", long] {
            let error = try #require(throws: StartError.self) {
                try nowhere.choose(for: "\(state)/it")
            }
            #expect(error.description.contains("no directory for the socket can be made"))
            #expect(error.description.contains("set XDG_RUNTIME_DIR to a directory of yours"))
            #expect(error.description.contains(state))
        }
    }

    /// A new directory, that nobody had before, and that goes with the run.
    private func expectNew(_ path: String) throws {
        let directory = directory(path)
        #expect(directory.hasPrefix("\(place.path)/supervise."))
        #expect(try mode(directory) == 0o700)
        #expect(try mode(parent(of: path)) == 0o700)
        SocketPath.remove(path)
        #expect(!pathExists(directory))
    }
}
