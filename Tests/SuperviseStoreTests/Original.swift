import SuperviseSystem
import TestSupport

/// What a job wrote by itself: a file, or a directory with files at two depths and a link.
struct Original: Sendable, CustomStringConvertible {
    /// In the directory `/out`, or in one that a test has made.
    var path: String
    var isDirectory: Bool

    static let file = Original(path: "/out/model.pt", isDirectory: false)
    static let directory = Original(path: "/out/weights", isDirectory: true)
    static let both = [file, directory]

    var description: String { path }

    var home: String { String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]) }

    var contents: [(path: String, bytes: [UInt8])] {
        guard isDirectory else { return [(path, Array("weights".utf8))] }
        return [("\(path)/a", [1, 2, 3]), ("\(path)/part/b", [4, 5]), ("\(path)/part/c", [])]
    }

    /// Makes it durably; its home is there.
    func make(on files: any FileSystem) throws {
        if isDirectory {
            try files.makeDirectory(path)
            try files.makeDirectory("\(path)/part")
            try files.makeLink("\(path)/latest", to: "part/b")
        }
        for (file, bytes) in contents {
            try files.writeFile(file, bytes)
            try files.syncFile(file)
        }
        if isDirectory {
            try files.syncDirectory("\(path)/part")
            try files.syncDirectory(path)
        }
        try files.syncDirectory(home)
    }

    /// With its home, which a power cut leaves.
    func makeWithHome(on files: any FileSystem) throws {
        try files.makeDirectory(home)
        try files.syncDirectory("/")
        try make(on: files)
    }

    func isWhole(on files: any FileSystem) -> Bool {
        contents.allSatisfy { (try? files.readFile($0.path, limit: 100)) == $0.bytes }
    }

    func isGone(on files: any FileSystem) -> Bool {
        (try? files.status(path)) == nil
    }
}
