import Glibc
import SuperviseSystem

/// Hops from process to process, each in a session of its own, as fast as it can and for as many
/// seconds as it is told: faster than a script can, as nothing is loaded for it. Returns in the
/// first process only.
func hopScene(_ arguments: [String]) throws {
    // Swift knows no fork. Nothing but system calls comes after it.
    typealias Fork = @convention(c) () -> pid_t
    guard let address = dlsym(nil, "fork"), let seconds = arguments.first.flatMap({ Int($0) })
    else { return say("no fork") }
    let fork = unsafeBitCast(address, to: Fork.self)
    var start = timespec()
    clock_gettime(CLOCK_MONOTONIC, &start)
    if fork() != 0 { return }
    var now = start
    repeat {
        if fork() != 0 { _exit(0) }
        setsid()
        clock_gettime(CLOCK_MONOTONIC, &now)
    } while now.tv_sec - start.tv_sec < seconds
    _exit(0)
}
