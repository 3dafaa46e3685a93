import SuperviseFormats
import SuperviseSystem

/// The name of a file with a job's output: `attempt-0002.log`, and for what came before in the same
/// attempt `attempt-0002.log.1`, `.2`, …
package struct OutputFile: Hashable, Sendable {
    package var attempt: Int
    /// 0 for the one that is written to; the higher, the older.
    package var number: Int

    package init(attempt: Int, number: Int = 0) {
        self.attempt = attempt
        self.number = number
    }

    /// nil where it is the name of something else.
    package init?(_ name: String) {
        guard name.hasPrefix("attempt-") else { return nil }
        let parts = name.dropFirst("attempt-".count).split(
            separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, parts[1] == "log",
            let attempt = Int(parts[0]), let number = parts.count == 3 ? Int(parts[2]) : 0
        else { return nil }
        self.init(attempt: attempt, number: number)
        guard self.name == name else { return nil }
    }

    package var name: String {
        let digits = String(attempt)
        let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
        return "attempt-\(zeros)\(digits).log" + (number > 0 ? ".\(number)" : "")
    }
}

extension OutputFile: Comparable {
    /// In the order in which they were written.
    package static func < (left: OutputFile, right: OutputFile) -> Bool {
        (left.attempt, right.number) < (right.attempt, left.number)
    }

    /// Those in a directory, in order; none where there is no such directory.
    package static func all(
        in directory: String, _ files: any FileSystem = Disk()
    ) throws(SystemError) -> [OutputFile] {
        let entries = try unlessMissing { () throws(SystemError) in try files.list(directory) }
        return (entries ?? []).compactMap { OutputFile($0.name) }.sorted()
    }
}
