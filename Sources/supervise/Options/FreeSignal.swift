import SuperviseSystem

/// Signals with a meaning that must not be lost: they cannot be caught, tell of our own mistakes,
/// stop a run, or belong to the terminal and to child processes.
private let taken = [
    "SIGKILL", "SIGSTOP", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGSYS",
    "SIGSTKFLT", "SIGHUP", "SIGINT", "SIGTERM", "SIGTSTP", "SIGCONT", "SIGTTIN", "SIGTTOU",
    "SIGCHLD", "SIGPIPE",
]

/// The number of a signal that can be given a meaning here; nil where `text` names none.
func freeSignal(_ text: String) -> Int32? {
    // The numbers between the last usual signal and the first realtime one are the C library's own.
    guard let number = signalNumber(text), case let name = signalName(number),
        name.hasPrefix("SIG"), !taken.contains(name)
    else { return nil }
    return number
}
