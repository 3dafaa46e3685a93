/// `SHA256SUMS`: lines that `sha256sum -c` reads, with its escapes for odd names.
///
/// A line is the digest in hexadecimal, two spaces and the name. Where the name holds a backslash,
/// a newline or a carriage return these are written `\\`, `\n`, `\r`, and the line begins with a
/// backslash (GNU coreutils manual, "md5sum invocation").
package enum Checksums {
    /// One line's content.
    package struct Entry: Equatable, Sendable {
        /// 64 lower-case hexadecimal digits.
        package var digest: String
        package var path: FilePath

        package init(digest: String, path: FilePath) {
            self.digest = digest
            self.path = path
        }
    }

    package static func format(_ entries: [Entry]) -> String {
        entries.map { line(for: $0) + "\n" }.joined()
    }

    private static func line(for entry: Entry) -> String {
        var escaped = ""
        for scalar in entry.path.text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        let mark = escaped.unicodeScalars.count == entry.path.text.unicodeScalars.count ? "" : "\\"
        return "\(mark)\(entry.digest)  \(escaped)"
    }

    /// - Throws: ``FormatError`` naming the first line that is none.
    package static func parse(_ text: String) throws(FormatError) -> [Entry] {
        var entries: [Entry] = []
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.dropLast().enumerated() {
            guard let entry = parseLine(String(line)) else {
                throw .unreadable("line \(number + 1) is no checksum")
            }
            entries.append(entry)
        }
        guard let last = lines.last, last.isEmpty else {
            throw .unreadable("its last line is cut off")
        }
        return entries
    }

    private static func parseLine(_ line: String) -> Entry? {
        let isEscaped = line.unicodeScalars.first == "\\"
        let scalars = line.unicodeScalars.dropFirst(isEscaped ? 1 : 0)
        let digest = scalars.prefix(64)
        let name = scalars.dropFirst(66)
        guard digest.count == 64, !name.isEmpty,
            digest.allSatisfy({ ("0"..."9").contains($0) || ("a"..."f").contains($0) }),
            scalars.dropFirst(64).prefix(2).elementsEqual("  ".unicodeScalars)
        else { return nil }
        let path = isEscaped ? unescaped(name) : String(String.UnicodeScalarView(name))
        return path.map {
            Entry(digest: String(String.UnicodeScalarView(digest)), path: FilePath($0))
        }
    }

    private static func unescaped(_ name: Substring.UnicodeScalarView) -> String? {
        var result = String.UnicodeScalarView()
        var rest = name
        while let scalar = rest.popFirst() {
            guard scalar == "\\" else {
                result.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "\\": result.append("\\")
            case "n": result.append("\n")
            case "r": result.append("\r")
            default: return nil
            }
        }
        return String(result)
    }
}

/// A program that makes files smaller.
package enum CompressionProgram: String, Codable, CaseIterable, Sendable {
    case zstd, gzip

    /// What the names of its files end in.
    package var suffix: String {
        switch self {
        case .zstd: ".zst"
        case .gzip: ".gz"
        }
    }

    /// From standard input to standard output.
    package var compressing: [String] {
        switch self {
        case .zstd: ["-q", "-c"]
        case .gzip: ["-c"]
        }
    }

    /// From standard input to standard output.
    package var restoring: [String] {
        switch self {
        case .zstd: ["-q", "-d", "-c"]
        case .gzip: ["-d", "-c"]
        }
    }
}

/// `compressed.json` of a checkpoint: which of its files there are compressed copies of.
///
/// Where such a file is not in `data/`, its copy takes its place.
package struct CompressedList: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    package var program: CompressionProgram
    /// In order of path. What would not have become smaller is not among them.
    package var files: [File]

    /// One payload file and its copy.
    package struct File: Codable, Equatable, Sendable {
        /// As in the manifest, such as `data/model.bin`.
        package var path: FilePath
        /// Below the checkpoint's directory, such as `compressed/model.bin.zst`.
        package var compressed: FilePath
        /// Of the copy.
        package var bytes: Int64
        /// The permissions of the payload file, such as 0o600.
        package var mode: UInt32

        package init(path: FilePath, compressed: FilePath, bytes: Int64, mode: UInt32) {
            self.path = path
            self.compressed = compressed
            self.bytes = bytes
            self.mode = mode
        }
    }

    package init(program: CompressionProgram, files: [File]) {
        self.program = program
        self.files = files
    }
}

/// How a checkpoint is looked at before a job goes on from it.
package enum VerifyDepth: String, Codable, CaseIterable, Sendable {
    /// Every byte is read and its SHA-256 compared.
    case digest
    /// Names, sizes and links, and the digest of the manifest.
    case size
    /// That it is there, with a manifest that can be read.
    case none
}
