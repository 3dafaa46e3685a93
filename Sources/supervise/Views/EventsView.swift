import SuperviseFormats
import SuperviseHost
import SuperviseText

/// What happened in a run, one event a line, in local time.
struct EventsView {
    let secondsAheadOfUTC: @Sendable (Timestamp) -> Int

    func render(_ events: [LoggedEvent]) -> String {
        events.map { "\(localTime($0.at))  \(EventText.sentence(for: $0.event))\n" }.joined()
    }

    /// Such as `2026-11-21 05:04:01`.
    func localTime(_ moment: Timestamp) -> String {
        let local = moment.advanced(bySeconds: Double(secondsAheadOfUTC(moment)))
        let text = local.description.prefix(19)
        return text.map { $0 == "T" ? " " : String($0) }.joined()
    }
}
