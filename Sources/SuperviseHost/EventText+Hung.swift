import SuperviseFormats

extension EventText {
    /// What there was none of, and for how long.
    static func hang(_ hung: RunEvent.Hung) -> String {
        let time = HumanText.duration(hung.silent)
        switch hung.cause {
        case .heartbeat:
            return hung.never
                ? "the job has given no sign of life in the \(time) since it was started (one that "
                    + "does not speak the protocol gives none)"
                : "the job has given no sign of life for \(time)"
        case .progress:
            return hung.never
                ? "the job has told of no step in the \(time) since it was started"
                : "the job has made no step forward for \(time)"
        case .checkpoint:
            return "the job has begun a checkpoint, and written nothing of it for \(time)"
        }
    }

    /// - Parameter state: the run's directory, as a person writes it; nil names the file in it.
    static func hungAndKilled(_ hung: RunEvent.Hung, state: String? = nil) -> String {
        let threads = HumanText.count(hung.threads, "thread")
        let report = (state.map { HumanText.printable($0) + "/" } ?? "") + hung.report
        return "\(hang(hung)); killing it (what its \(threads) did: \(HumanText.printable(report)))"
    }
}
