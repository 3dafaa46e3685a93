/// What a job says that speaks sd_notify(3) instead of our own protocol.
package enum JobNotice: Equatable, Sendable {
    /// Its start is over.
    case ready
    /// It is alive.
    case alive
    /// It is about to end.
    case stopping
    /// What it is doing, for people.
    case status(String)

    /// Reads the assignments of a datagram, one on a line; whatever else there is in it is none of
    /// our affair.
    package static func read(_ bytes: [UInt8]) -> [JobNotice] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix(statusName) {
                return .status(String(text.dropFirst(statusName.count)))
            }
            return switch text {
            case "READY=1": .ready
            case "WATCHDOG=1": .alive
            case "STOPPING=1": .stopping
            default: nil
            }
        }
    }

    private static let statusName = "STATUS="
}
