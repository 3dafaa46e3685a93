/// Options that the run record keeps, or that messages speak of, by name.
///
/// The table of the command line gives each its meaning.
package enum OptionName: String, CaseIterable, Sendable, CustomStringConvertible {
    case adopt
    case chdir
    case checkpointDir = "checkpoint-dir"
    case checkpointTimeout = "checkpoint-timeout"
    case compress
    case fatalExitCodes = "fatal-exit-codes"
    case fresh
    case healthyAfter = "healthy-after"
    case keepArchived = "keep-archived"
    case mounted
    case name
    case nice
    case onHang = "on-hang"
    case onHangUser = "on-hang-user"
    case passListen = "pass-listen"
    case preempt
    case requireState = "require-state"
    case restart
    case resumeFrom = "resume-from"
    case rlimit
    case stateDir = "state-dir"
    case stopTimeout = "stop-timeout"
    case user
    case watch
    case watchComplete = "watch-complete"
    case watchMode = "watch-mode"

    /// As it is typed, such as `--state-dir`.
    package var description: String { "--\(rawValue)" }
}
