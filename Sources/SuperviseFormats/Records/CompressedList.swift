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
