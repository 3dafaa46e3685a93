import SuperviseCore

/// Machines that are taken away.
extension OptionTable {
    static let preemption = [
        OptionSpec(
            "preempt", .preemptSource, of: [.run], [.environment, .recorded, .program],
            in: { $0.preempt = $1 },
            "Ask whether this machine is about to be taken away: its cloud, or any program that "
                + "writes a line such as {\"deadline_s\": 120} when it is time"),
        OptionSpec(
            "preempt-signal", .signalOrNone, of: [.run], standard: "SIGUSR2",
            in: { $0.preemptSignal = $1 },
            "The signal to supervise that says so, too"),
        OptionSpec(
            "preempt-grace", .graces, of: [.run], standard: "preempted=30s,maintenance=1m",
            in: { $1.apply(to: &$0.settings) },
            "How long the machine is there from a notice on that does not tell: for all, or for each "
                + "kind, as in maintenance=1h,preempted=30s"),
        OptionSpec(
            "preempt-ack", .flag, of: [.run], in: { $0.settings.preemptAcknowledges = $1 },
            "Tell Azure when all is saved, so that it need not wait"),
        OptionSpec(
            "preempted-exit-code", .exitCode, of: [.run], standard: "75",
            in: { $0.preemptedExitCode = $1 },
            "The exit status when the machine was taken away"),
    ]
}
