/// How the process of `supervise run` is to end.
package enum RunResult: Equatable, Sendable {
    /// With this exit status.
    case exit(Int32)
    /// By this signal; as PID 1, with 128 and its number.
    case die(signal: Int32)
}
