import Glibc
import SuperviseSystem

/// Looks at a condition again and again, for what the kernel does within microseconds and tells
/// nobody.
///
/// - Throws: ``TestFailure`` where it does not come to hold; what the condition throws counts as
///   no.
package func waitBriefly(until condition: () throws -> Bool) throws {
    let deadline = MonotonicTime.now() + patience
    while (try? condition()) != true {
        guard MonotonicTime.now() < deadline else { throw TestFailure("it did not come to hold") }
        sched_yield()
    }
}

/// Looks at a condition whenever something has changed in a directory, until it holds.
///
/// - Throws: ``TestFailure`` where it does not come to hold; what the condition throws counts as
///   no.
package func waitForChange(in directory: String, until condition: () throws -> Bool) throws {
    let number = try systemCall("inotify_init1", "") {
        inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    }
    defer { close(number) }
    let changes = IN_CREATE | IN_DELETE | IN_MOVE | IN_MODIFY | IN_CLOSE_WRITE
    try systemCall("inotify_add_watch", directory) {
        inotify_add_watch(number, directory, UInt32(changes))
    }
    let deadline = MonotonicTime.now() + patience
    var events: [UInt8] = []
    while (try? condition()) != true {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        let left = max(0, (deadline - .now()).milliseconds)
        guard try systemCall("poll", "", { poll(&entry, 1, left) }) > 0 else {
            throw TestFailure("what was waited for in \(directory) did not come")
        }
        _ = try readAvailable(number, into: &events)
        events = []
    }
}
