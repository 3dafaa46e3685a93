import SuperviseCore
import SuperviseFormats

/// How `curl` is called for some requests, and how its output is read.
///
/// One process makes all of them, one after the other over one connection, and writes a line with a
/// secret word behind each answer, so that each is heard at once and none can pass for two. What it
/// is to ask goes to its standard input: a command line can be read by everybody.
struct CurlCall {
    let requests: HTTPRequests
    /// That no server can know.
    let word: String

    static let program = "curl"

    /// Old ones know no pace, and on the command line they say so.
    private var pace: [String] {
        requests.spacing.map { ["--rate", "\(max(1, Int(60 / $0.seconds)))/m"] } ?? []
    }

    /// `--disable` has to be the first: nobody's configuration is read.
    var command: [String] { [Self.program, "--disable"] + pace + ["--config", "-"] }

    /// What it reads (`man curl`, "--config").
    var input: [UInt8] {
        let seconds = (requests.limit.seconds * 1000).rounded(.up) / 1000
        var lines = [
            "silent", "show-error", "include", "no-buffer", "globoff",
            "noproxy = \"*\"", "proto = \"=http,https\"", "max-time = \(seconds)",
            "max-filesize = \(CurlTranscript.limit)",
            "write-out = \(Self.quoted("%{stderr}\n\(word) %{http_code}\n"))",
            "request = \(Self.quoted(requests.method))",
        ]
        lines += requests.headers.map { "header = \(Self.quoted($0))" }
        if let body = requests.body {
            lines += [
                "data-raw = \(Self.quoted(body))", "header = \"Content-Type: application/json\"",
            ]
        }
        lines += requests.urls.map { "url = \(Self.quoted($0))" }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\"".unicodeScalars
        // Of scalars, as a carriage return and a line feed are one character.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": quoted += "\\\\".unicodeScalars
            case "\"": quoted += "\\\"".unicodeScalars
            case "\n": quoted += "\\n".unicodeScalars
            case "\r": quoted += "\\r".unicodeScalars
            default: quoted.append(scalar)
            }
        }
        return String(quoted) + "\""
    }
}

/// What `curl` writes, cut into answers.
struct CurlTranscript {
    /// Of one answer, in bytes: a metadata service has little to say.
    static let limit = 65_536

    private let mark: [UInt8]
    private var bytes: [UInt8] = []

    init(word: String) { mark = Array("\n\(word) ".utf8) }

    var isTooLong: Bool { bytes.count > Self.limit + 4096 }

    /// The last lines, where it has ended without an answer.
    var rest: String { String(decoding: bytes, as: UTF8.self) }

    /// - Returns: the answers that are whole with this.
    mutating func add(_ new: [UInt8]) -> [Inquiry.Answer] {
        bytes += new
        var answers: [Inquiry.Answer] = []
        while let found = bytes.firstRange(of: mark),
            let end = bytes[found.upperBound...].firstIndex(of: UInt8(ascii: "\n"))
        {
            let status = String(decoding: bytes[found.upperBound..<end], as: UTF8.self)
            let said = String(decoding: bytes[..<found.lowerBound], as: UTF8.self)
            answers.append(Self.answer(said, status: Int(status) ?? 0))
            bytes.removeSubrange(...end)
        }
        return answers
    }

    private static func answer(_ said: String, status: Int) -> Inquiry.Answer {
        var answer = Inquiry.Answer(status: status)
        var rest = said[...]
        if let complaint = complaint(in: rest) {
            answer.error = complaint.trimmingEnd
            rest = rest[..<complaint.startIndex]
        }
        // Interim answers have headers of their own.
        while rest.hasPrefix("HTTP/"), let blank = rest.firstRange(of: "\r\n\r\n") {
            answer.headers = headers(rest[..<blank.lowerBound])
            rest = rest[blank.upperBound...]
        }
        answer.body = String(rest)
        if status == 0, answer.error == nil { answer.error = "no answer" }
        return answer
    }

    /// The last thing that is said, where something went wrong: `curl: (28) Operation timed out`.
    private static func complaint(in said: Substring) -> Substring? {
        guard let start = said.ranges(of: "curl: (").last?.lowerBound else { return nil }
        let complaint = said[start...]
        let lines = complaint.split(separator: "\n", omittingEmptySubsequences: true)
        return lines.count == 1 ? complaint : nil
    }

    private static func headers(_ text: Substring) -> [String: String] {
        var headers: [String: String] = [:]
        for line in text.split(separator: "\r\n").dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        return headers
    }
}

extension Substring {
    fileprivate var trimmingEnd: String {
        String(prefix(upTo: lastIndex { !$0.isWhitespace }.map { index(after: $0) } ?? startIndex))
    }
}
