import SuperviseHost
import SuperviseSystem

/// The number of a signal that may be given a meaning of the user's choice.
func freeSignal(_ name: String) -> Int32? {
    let free = ["SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGALRM", "SIGWINCH", "SIGIO", "SIGPWR"]
    guard let number = signalNumber(name), free.contains(signalName(number)) else { return nil }
    return number
}
