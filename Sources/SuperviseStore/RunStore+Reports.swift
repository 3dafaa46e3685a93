import SuperviseFormats
import SuperviseSystem

/// What was found out about each hang, for people: `output/hang-0002.txt`. Derived, and bounded.
extension RunStore {
    /// So many reports are kept.
    package static let mostReports = 20

    /// Writes a report; then the oldest go.
    package func saveReport(_ text: String, attempt: Int) throws(StoreError) {
        try writing { () throws(SystemError) in
            try files.makeDirectoryIfMissing(paths.output)
            try files.writeFile(
                "\(paths.run)/\(RunEvent.Hung.report(attempt: attempt))", Array(text.utf8))
        }
        let reports = try reading { () throws(SystemError) in try files.list(paths.output) }
            .map(\.name).compactMap { name in Self.attempt(ofReport: name).map { ($0, name) } }
            .sorted { $0.0 < $1.0 }
        for (_, name) in reports.dropLast(Self.mostReports) {
            try writing { () throws(SystemError) in try removeIfThere("\(paths.output)/\(name)") }
        }
    }

    private static func attempt(ofReport name: String) -> Int? {
        guard name.hasPrefix("hang-"), name.hasSuffix(".txt") else { return nil }
        return Int(name.dropFirst(5).dropLast(4))
    }
}
