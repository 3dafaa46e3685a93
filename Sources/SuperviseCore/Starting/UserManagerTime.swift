import SuperviseFormats

/// How long a user's service manager has for its own end: all units of the user end with it.
///
/// Our requests for more time (EXTEND_TIMEOUT_USEC) reach only that manager, not the one above it.
package struct UserManagerTime: Equatable, Sendable {
    /// From `TimeoutStopSec=` of `user@.service`; nil if nothing limits it.
    package var allowed: Duration?

    /// What systemd delivers.
    package static let delivered = UserManagerTime(allowed: .seconds(120))

    package init(allowed: Duration?) { self.allowed = allowed }

    /// - Parameter value: as systemd.time(7) has it: `120s`, `2min 30s`, `90`, `infinity`; nil if it is
    ///   no time.
    package init?(_ value: String) {
        if value == "infinity" || value == "0" {
            allowed = nil
        } else if let seconds = Int64(value), seconds > 0 {
            allowed = .seconds(seconds)
        } else if let time = DurationText.parse(value) {
            allowed = time
        } else {
            return nil
        }
    }

    /// The last time that unit files give, in the order in which systemd reads them.
    package init(unitFiles: [String]) {
        self = .delivered
        for line in unitFiles.flatMap({ $0.split(separator: "\n") }) {
            let parts = line.split(separator: "=", maxSplits: 1).map { Self.trimmed($0) }
            guard parts.count == 2, ["TimeoutStopSec", "TimeoutSec"].contains(parts[0]) else {
                continue
            }
            self = UserManagerTime(parts[1]) ?? self
        }
    }

    /// The time that the end of a run with these settings may take; nil if the manager allows that.
    package func shortfall(of settings: Settings) -> Duration? {
        let needed = settings.longestStop
        guard let allowed, needed > allowed else { return nil }
        return needed
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }
}

extension Settings {
    /// From SIGTERM until we are gone, at most.
    package var longestStop: Duration { checkpointTimeout + stopTimeout + .seconds(2) }
}
