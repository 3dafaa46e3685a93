import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport

/// The files, links and directories below a directory, or a single file.
struct Tree: Equatable {
    enum Entry: Equatable {
        case file(String, mode: UInt32)
        case link(FilePath)
        case directory
    }

    /// By the path below the top; the top itself, `""`, where it is a single file.
    var entries: [FilePath: Entry] = [:]

    /// A file that compression makes smaller, different for each step.
    mutating func put(_ name: FilePath, step: Int64, mode: UInt32 = 0o600) {
        let text = String(repeating: "\(name.name) at \(step). ", count: 1_000)
        entries[name] = .file(text, mode: mode)
    }

    /// Makes all of it.
    ///
    /// - Parameter place: a directory that is there; of a single file, what the file is to be called.
    func write(to place: FilePath) throws {
        let disk = Disk()
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            let path = name == "" ? place.text : place.appending(name.text).text
            switch entry {
            case .directory: try disk.makeDirectory(path)
            case .link(let target): try disk.makeLink(path, to: target.text)
            case .file(let text, let mode):
                try disk.writeFile(path, Array(text.utf8))
                try systemCall("chmod", path) { chmod(path, mode_t(mode)) }
            }
        }
    }

    /// Reads the tree as it is now.
    static func read(_ place: FilePath) throws -> Tree {
        var tree = Tree()
        try tree.read(place, "")
        return tree
    }

    private mutating func read(_ place: FilePath, _ name: FilePath) throws {
        let disk = Disk()
        let path = name == "" ? place.text : place.appending(name.text).text
        let status = try disk.status(path)
        switch status.kind {
        case .file:
            let bytes = try disk.readFile(path, limit: 64 << 20)
            entries[name] = .file(String(decoding: bytes, as: UTF8.self), mode: status.mode)
        case .link: entries[name] = .link(FilePath(try disk.readLink(path)))
        case .directory:
            if name != "" { entries[name] = .directory }
            for entry in try disk.list(path) {
                try read(place, name == "" ? FilePath(entry.name) : name.appending(entry.name))
            }
        case .other: throw TestFailure("\(path) is something odd")
        }
    }
}

/// What a checkpoint of the matrix holds.
enum Content {
    case plain, single, oddNames, oddSingle, links

    var isSingle: Bool { self == .single || self == .oddSingle }

    /// What a single file is called.
    var name: String { self == .oddSingle ? "\u{301}caf\u{E9}\n" : "model" }

    func tree(step: Int64) -> Tree {
        var tree = Tree()
        switch self {
        case .single, .oddSingle: tree.put("", step: step)
        case .plain:
            tree.entries["part"] = .directory
            for name in ["state", "part/more"] as [FilePath] { tree.put(name, step: step) }
            tree.entries["small"] = .file("\(step)", mode: 0o600)
        case .oddNames:
            let inside: FilePath = "\u{301}directory"
            tree.entries[inside] = .directory
            tree.entries["x.gz"] = .directory
            // Both spellings of é, what `sha256sum` escapes, what options look like, names that begin
            // with a combining mark, and one that the copy of another would have.
            let names: [FilePath] = [
                "caf\u{E9}", "cafe\u{301}", "new\nline", "back\\slash", "carriage\rreturn", "-n",
                " ",
                "\u{301}mark", inside.appending("\u{301}inside"), inside.appending("\u{301}"), "x",
                "x.gz/y", "\r\n", "*", "manifest.json",
            ]
            for name in names { tree.put(name, step: step) }
            tree.entries["\u{301}link"] = .link("\u{301}directory/\u{301}inside")
            tree.entries["e\u{301}-link"] = .link("caf\u{E9}")
            tree.entries["\u{E9}-link"] = .link("cafe\u{301}")
        case .links:
            for name in ["a", "a/b", "empty", "a/empty"] as [FilePath] {
                tree.entries[name] = .directory
            }
            tree.put("a/b/state", step: step)
            tree.put("tool", step: step, mode: 0o755)
            tree.put("fixed", step: step, mode: 0o444)
            tree.entries["latest"] = .link("a/b/state")
            tree.entries["a/up"] = .link("..")
            tree.entries["a/far"] = .link("up/a/./b/../b")
        }
        return tree
    }
}
