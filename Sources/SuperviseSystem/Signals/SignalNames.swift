import CLinux
import Glibc

private let names: [(name: String, number: Int32)] = [
    ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("ILL", SIGILL), ("TRAP", SIGTRAP),
    ("ABRT", SIGABRT), ("BUS", SIGBUS), ("FPE", SIGFPE), ("KILL", SIGKILL), ("USR1", SIGUSR1),
    ("SEGV", SIGSEGV), ("USR2", SIGUSR2), ("PIPE", SIGPIPE), ("ALRM", SIGALRM), ("TERM", SIGTERM),
    ("STKFLT", 16), ("CHLD", SIGCHLD), ("CONT", SIGCONT), ("STOP", SIGSTOP), ("TSTP", SIGTSTP),
    ("TTIN", SIGTTIN), ("TTOU", SIGTTOU), ("URG", SIGURG), ("XCPU", SIGXCPU), ("XFSZ", SIGXFSZ),
    ("VTALRM", SIGVTALRM), ("PROF", SIGPROF), ("WINCH", SIGWINCH), ("IO", SIGIO), ("PWR", SIGPWR),
    ("SYS", SIGSYS),
    // Second names, read but never written.
    ("IOT", SIGABRT), ("POLL", SIGIO), ("CLD", SIGCHLD),
]

/// The usual name, such as `SIGKILL` or `SIGRTMIN+3`; `signal 32` for a number without a name.
package func signalName(_ number: Int32) -> String {
    if let known = names.first(where: { $0.number == number }) { return "SIG" + known.name }
    let first = cl_first_realtime_signal()
    guard (first...cl_last_realtime_signal()).contains(number) else { return "signal \(number)" }
    return number == first ? "SIGRTMIN" : "SIGRTMIN+\(number - first)"
}

/// The number for `SIGUSR1`, `usr1`, `10`, `RTMIN+3` or `RTMAX-1`; nil where it names no signal.
package func signalNumber(_ text: String) -> Int32? {
    if let number = Int32(text) {
        return (1...cl_last_realtime_signal()).contains(number) ? number : nil
    }
    var name = text.uppercased()
    if name.hasPrefix("SIG") { name.removeFirst(3) }
    if let known = names.first(where: { $0.name == name }) { return known.number }
    return realtimeSignal(name)
}

private func realtimeSignal(_ name: String) -> Int32? {
    let first = cl_first_realtime_signal()
    let last = cl_last_realtime_signal()
    let base = name.hasPrefix("RTMIN") ? first : name.hasPrefix("RTMAX") ? last : nil
    guard let base else { return nil }
    let rest = name.dropFirst(5)
    guard !rest.isEmpty else { return base }
    // From the first upwards, from the last downwards.
    guard rest.first == (base == first ? "+" : "-"), let offset = Int32(rest) else { return nil }
    guard abs(offset) <= last - first else { return nil }
    return base + offset
}
