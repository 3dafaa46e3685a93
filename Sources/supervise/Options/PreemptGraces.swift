import SuperviseCore
import SuperviseFormats

/// What `--preempt-grace` takes: a duration for all notices, or one for some kinds of them.
struct PreemptGraces: Equatable, Sendable {
    private var durations: [Notice.Kind: Duration] = [:]

    init?(_ text: String) {
        if let all = Self.positive(text) {
            for kind in Notice.Kind.allCases { durations[kind] = all }
            return
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count == 2, let kind = Notice.Kind(rawValue: String(words[0])),
                durations[kind] == nil, let duration = Self.positive(String(words[1]))
            else { return nil }
            durations[kind] = duration
        }
    }

    private static func positive(_ text: String) -> Duration? {
        DurationText.parse(text).flatMap { $0 > .zero ? $0 : nil }
    }

    /// A kind that is not named keeps its own.
    func apply(to settings: inout Settings) {
        settings.preemptGrace = durations[.preempted] ?? settings.preemptGrace
        settings.maintenanceGrace = durations[.maintenance] ?? settings.maintenanceGrace
    }
}

extension ValueKind where Value == PreemptGraces {
    static let graces = ValueKind(
        placeholder: "DURATION|KIND=DURATION,…",
        accepts: "a duration of more than 0s (500ms, 10s, 5m, 1h30m, 1d), or one for each kind, "
            + "as in maintenance=1h,preempted=30s"
    ) { PreemptGraces($0) }
}
