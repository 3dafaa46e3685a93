import SuperviseSystem
import Testing

/// Where names of payload files go through, and so nothing may be compared by characters.
private let places = [
    "SuperviseStore", "SuperviseHost/Watch", "SuperviseCore/Watching", "SuperviseFormats/Records",
]

/// Files in these places that know only names of our own.
private let exempt: Set = [
    // Logs, reports, labels of archives, and what was set aside.
    "OutputFile.swift", "DerivedFiles.swift", "Archives.swift", "ArchivedRun.swift", "Trash.swift",
    // Directories of states, programs, and variables of the environment.
    "Home.swift", "RunName+Program.swift", "KeptEnvironment.swift",
    // Records without names of payload files, and lines that are split by their scalars.
    "RunRecord.swift", "RunRecord+JSON.swift", "RunName.swift", "Status.swift", "Checksums.swift",
    "CheckpointSummary.swift",
]

/// What compares or cuts a `String` by characters, or has it as a key: é would be one name where a
/// file system has two, and a slash before a combining mark would be no slash.
private let forbidden = [
    "hasPrefix(", "hasSuffix(", "split(separator: \"", "Set<String>", "[String: ", "[[UInt8]",
    "var path: String", "var target: String", "var single: String",
]

/// By names of metrics, and keys of JSON.
private let allowed = [
    "[String: Double]", "[String: JSONValue]",
    // By the times of archived runs.
    "[String: [FilePath]]",
]

private func faults(in source: String) -> [String] {
    SwiftCode(source).lines.enumerated().flatMap { number, line in
        let isAllowed = allowed.contains { line.contains($0) }
        return forbidden.filter { line.contains($0) && !isAllowed }
            .map { "\(number + 1): \($0)" }
    }
}

@Suite("names of files")
struct FileNameTests {
    private static let root = #filePath.split(separator: "/").dropLast(3)
        .reduce("") { "\($0)/\($1)" }

    @Test("of payloads are nowhere compared as texts")
    func sources() throws {
        var count = 0
        for place in places {
            let directory = "\(Self.root)/Sources/\(place)"
            for entry in try Disk().list(directory) where !exempt.contains(entry.name) {
                count += 1
                for fault in faults(in: try readSmallFile("\(directory)/\(entry.name)")) {
                    Issue.record("\(place)/\(entry.name):\(fault) (FilePath compares by bytes)")
                }
            }
        }
        #expect(count > 30, "a directory is gone: is the list still right?")
    }

    @Test(
        "what compares them as texts is found",
        arguments: [
            "if path.hasPrefix(\"/\") {}", "let names = path.split(separator: \"/\")",
            "var known: [String: Mark] = [:]", "struct File { var path: String }",
        ])
    func bites(source: String) {
        #expect(faults(in: source).count == 1)
    }
}
