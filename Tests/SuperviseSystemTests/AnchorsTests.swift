import Glibc
import SuperviseSystem
import TestSupport
import Testing

@Suite("Files below a directory that is held open")
struct AnchorsTests {
    private let scratch: Scratch
    private let plain = Disk()
    /// Held open by `files`.
    private let top: String
    /// With `secret` and `data` in it, which nothing may change.
    private let outside: String

    init() throws {
        scratch = try Scratch()
        top = "\(scratch.path)/top"
        outside = "\(scratch.path)/outside"
        for directory in [top, "\(top)/run", outside, "\(outside)/data"] {
            try plain.makeDirectory(directory)
        }
        try plain.writeFile("\(outside)/secret", Array("s3cret".utf8))
    }

    private func files(_ usesOpenat2: Bool) throws -> Disk {
        Disk(anchors: try Anchors([top, "\(scratch.path)/absent"], usesOpenat2: usesOpenat2))
    }

    private func look() throws -> [String] {
        let command = try ShellCommand(
            "cd '\(outside)' && find . -printf '%P %y %m %U:%G %s\\n' | sort && cat secret")
        var lines: [String] = []
        while let line = command.readLine() { lines.append(line) }
        return lines
    }

    typealias Operation = @Sendable (any FileSystem, String) throws -> Void

    /// Everything that is done to paths, each with the name of something in a directory.
    static let operations: [(name: String, body: Operation)] = [
        ("makeDirectory", { try $0.makeDirectory("\($1)/new") }),
        ("writeFile", { try $0.writeFile("\($1)/secret", [1]) }),
        ("append", { try $0.append([1], to: "\($1)/secret") }),
        ("truncate", { try $0.truncate("\($1)/secret", to: 0) }),
        ("readFile", { _ = try $0.readFile("\($1)/secret", limit: 100) }),
        ("readOwned", { _ = try $0.readOwned("\($1)/secret", limit: 100) }),
        ("readTail", { _ = try $0.readTail("\($1)/secret", limit: 100) }),
        ("makeLink", { try $0.makeLink("\($1)/new", to: "x") }),
        ("status", { _ = try $0.status("\($1)/secret") }),
        ("list", { _ = try $0.list("\($1)/data") }),
        ("syncFile", { try $0.syncFile("\($1)/secret") }),
        ("syncDirectory", { try $0.syncDirectory("\($1)/data") }),
        ("rename", { try $0.rename("\($1)/secret", to: "\($1)/other") }),
        ("removeFile", { try $0.removeFile("\($1)/secret") }),
        ("removeDirectory", { try $0.removeDirectory("\($1)/data") }),
        ("removeTree", { try $0.removeTree("\($1)/data") }),
        ("hashFile", { _ = try $0.hashFile("\($1)/secret", startsWriting: false) { _ in true } }),
        ("copyFile to it", { try $0.copyFile("/proc/self/comm", to: "\($1)/new") { _ in true } }),
        (
            "copyFile from it",
            { try $0.copyFile("\($1)/secret", to: "\($1).copy") { _ in true } }
        ),
        ("holdDirectory", { _ = try $0.holdDirectory("\($1)/data", alone: true) }),
    ]

    @Test(
        "nothing goes through a link, at whatever place in the path it stands",
        arguments: operations.map { $0.name }, ["run/a", "run/a/b/c", "run"])
    func links(name: String, place: String) throws {
        let body = try #require(Self.operations.first { $0.name == name }).body
        let path = "\(top)/\(place)"
        try? plain.removeDirectory("\(top)/run")
        // The link stands where the first missing name is.
        var here = place.split(separator: "/").map(String.init)
        let first = here.removeFirst()
        var link = "\(top)/\(first)"
        while !here.isEmpty {
            try plain.makeDirectory(link)
            link += "/\(here.removeFirst())"
        }
        try plain.makeLink(link, to: outside)
        let before = try look()
        for usesOpenat2 in [true, false] {
            let files = try files(usesOpenat2)
            #expect(throws: SystemError.self) { try body(files, path) }
            #expect(try look() == before)
        }
        // By its name it works: the probe is good.
        #expect(throws: Never.self) { try body(plain, path) }
    }

    @Test("all of it works where there is no link", arguments: [true, false])
    func works(usesOpenat2: Bool) throws {
        let files = try files(usesOpenat2)
        let run = "\(top)/run"
        try files.makeDirectory("\(run)/data")
        try files.writeFile("\(run)/secret", Array("text".utf8))
        try files.append(Array("more".utf8), to: "\(run)/secret")
        #expect(try plain.readFile("\(run)/secret", limit: 99) == Array("textmore".utf8))
        let (content, owner) = try files.readOwned("\(run)/secret", limit: 99)
        #expect(content.count == 8 && owner == geteuid())
        try files.makeLink("\(run)/link", to: "secret")
        #expect(try files.readLink("\(run)/link") == "secret")
        #expect(try files.list(run).map(\.name) == ["data", "link", "secret"])
        #expect(try files.list("\(top)/.").map(\.name) == ["run"])
        #expect(try files.list(top).map(\.name) == ["run"])
        #expect(try files.status(top).kind == .directory)
        try files.rename("\(run)/secret", to: "\(top)/secret")
        try files.copyFile("\(top)/secret", to: "\(scratch.path)/copy") { _ in true }
        try files.syncDirectory(top)
        try files.removeTree(run)
        try files.removeFile("\(top)/secret")
        #expect(try plain.list(top).isEmpty)
        // Whatever becomes of its name, it is the same directory.
        try plain.rename(top, to: "\(scratch.path)/moved")
        try plain.makeLink(top, to: outside)
        try files.makeDirectory("\(top)/new")
        #expect(try plain.list("\(scratch.path)/moved").map(\.name) == ["new"])
        #expect(throws: SystemError.self) { try files.status("\(top)/../outside/secret") }
    }

    @Test("each of them has to be there where that is asked for")
    func allThere() throws {
        let late = "\(scratch.path)/late"
        #expect(throws: SystemError.self) { _ = try plain.anchored(atAll: [top, late]) }
        try plain.makeDirectory(late)
        let files = try plain.anchored(atAll: [top, late])
        try plain.rename(late, to: "\(scratch.path)/moved")
        try plain.makeLink(late, to: outside)
        try files.makeDirectory("\(late)/new")
        #expect(try plain.list("\(scratch.path)/moved").map(\.name) == ["new"])
    }

    @Test("the mode of a file that takes a directory's place while that is removed stays")
    func swapped() throws {
        let victim = "\(outside)/secret"
        let tree = "\(top)/tree"
        let line =
            "import ctypes, os, sys\n"
            + "c = ctypes.CDLL(None, use_errno=True)\n"
            + "a, b = (os.fsencode(p) for p in sys.argv[1:3])\n"
            + "print('swapping', flush=True)\n"
            + "while os.path.exists(sys.argv[3]):\n"
            + "    c.renameat2(-100, a, -100, b, 2)\n"
        try plain.writeFile("\(scratch.path)/go", [])
        try plain.writeFile("\(scratch.path)/swap.py", Array(line.utf8))
        let swapper = try ShellCommand(
            "cd '\(scratch.path)' && exec python3 swap.py top/tree/data/d top/tree/data/f go")
        _ = swapper.readLine()
        for _ in 0..<300 {
            try? plain.removeTree(tree)
            try plain.makeDirectory(tree)
            try plain.makeDirectory("\(tree)/data")
            try plain.makeDirectory("\(tree)/data/d")
            try systemCall("link") { link(victim, "\(tree)/data/f") }
            try? plain.removeTree(tree)
        }
        try plain.removeFile("\(scratch.path)/go")
        _ = swapper.finish()
        try? plain.removeTree(tree)
        // 0700 is what a directory gets that is to be emptied.
        #expect(try plain.status(victim).mode == 0o600)
    }
}
