import Glibc

/// The digests of histories in a file, a line each: the seed and the digest.
struct DigestFile {
    private let path: String
    /// What an earlier run has written; nil where this run writes.
    private let earlier: [UInt64: UInt64]?
    private var lines: [String] = []
    private var difference: String?

    init(path: String) {
        self.path = path
        guard let text = Self.text(of: path) else {
            earlier = nil
            return
        }
        let pairs = text.split(separator: "\n").map { $0.split(separator: " ") }
        earlier = pairs.reduce(into: [:]) { read, pair in
            guard pair.count == 2, let seed = UInt64(pair[0]) else { return }
            read[seed] = UInt64(pair[1], radix: 16)
        }
    }

    private static func text(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text
    }

    mutating func note(_ digest: UInt64, of seed: UInt64) {
        lines.append("\(seed) \(String(digest, radix: 16))\n")
        guard difference == nil, let earlier, let before = earlier[seed] else { return }
        if before != digest { difference = "history \(seed) is not what it was in \(path)" }
    }

    /// Writes the digests where there was no file.
    ///
    /// - Returns: which history differs from the file; nil where none does.
    func finish() -> String? {
        guard earlier == nil else { return difference }
        guard let file = fopen(path, "w") else { return "\(path): cannot be written" }
        defer { fclose(file) }
        for line in lines { fputs(line, file) }
        return nil
    }
}
