import CLinux
import Glibc

/// What the process was started with and where it runs.

/// The environment in its order; entries without `=` are left out.
package func environmentVariables() -> [(String, String)] {
    var variables: [(String, String)] = []
    var entry = environ
    while let text = entry.pointee {
        if let equals = strchr(text, Int32(UInt8(ascii: "="))) {
            let name = UnsafeRawBufferPointer(start: text, count: equals - text)
            variables.append((ForeignText.text(name), ForeignText.text(equals + 1)))
        }
        entry += 1
    }
    return variables
}

/// One variable of the environment, if it is set.
package func environmentVariable(_ name: String) -> String? {
    getenv(name).map { ForeignText.text($0) }
}

/// The absolute path of the working directory.
///
/// - Throws: ENOENT where somebody has removed it.
package func currentDirectory() throws(SystemError) -> String {
    let capacity = Int(PATH_MAX) + 1
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    defer { buffer.deallocate() }
    try systemCall("getcwd") { getcwd(buffer, capacity) == nil ? -1 : 0 }
    return ForeignText.text(buffer)
}

/// What we were called with, without our own name.
package func commandLineArguments() -> [String] {
    var count: Int32 = 0
    let words = UnsafeBufferPointer(start: cl_arguments(&count), count: Int(count))
    return words.dropFirst().compactMap { $0.map { ForeignText.text($0) } }
}

/// The machine's name, as in `uname -n`.
package func hostName() -> String {
    var names = utsname()
    guard uname(&names) == 0 else { return "localhost" }
    return withUnsafeBytes(of: &names.nodename) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// The kernel's name for this boot: a process of another boot is surely gone.
///
/// - Throws: ENOENT where /proc is not mounted.
package func bootId() throws(SystemError) -> String {
    let line = try readSmallFile("/proc/sys/kernel/random/boot_id")
    return String(decoding: line.utf8.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

/// The inode of our PID namespace, which tells it from all others of this boot; nil where /proc does not show
/// us.
package func ownPIDNamespace() -> UInt64? {
    // The links there are the kernel's own: the inode behind one is the namespace's.
    var found = stat()
    return stat("/proc/self/ns/pid", &found) == 0 ? UInt64(found.st_ino) : nil
}

/// Random bytes from the kernel, as lower-case hexadecimal digits, two a byte.
///
/// - Throws: ENOSYS in a sandbox that forbids it.
package func randomHex(bytes count: Int) throws(SystemError) -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    // Up to 256 bytes the kernel never gives less than asked for.
    precondition(count <= 256, "randomHex is for names and tokens")
    try systemCall("getrandom") { getrandom(&bytes, count, 0) }
    return hexadecimal(bytes)
}

/// The effective user id.
package func userId() -> UInt32 {
    geteuid()
}

/// The effective group id.
package func groupId() -> UInt32 {
    getegid()
}

/// Our own pid.
package func processId() -> Int32 {
    getpid()
}

/// Whether we are the init of a PID namespace: no signal whose disposition is the default kills us.
package var isPid1: Bool {
    getpid() == 1
}

/// How many processors this process may run on, at least 1.
package func processorCount() -> Int {
    let allowed = Int(cl_processors())
    // There may be more than a mask of the usual size can hold.
    return max(1, allowed > 0 ? allowed : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}

/// How many descriptors this process may have open at once.
///
/// - Parameter isHard: how far it may be raised by a run, which does so.
package func descriptorLimit(isHard: Bool = false) -> Int {
    var limit = rlimit()
    let result = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return result == 0 ? Int(clamping: isHard ? limit.rlim_max : limit.rlim_cur) : 1024
}

/// The whole of a small file, such as one of /proc, whose size the kernel does not tell.
///
/// - Throws: ENOENT, EACCES, EIO, …
package func readSmallFile(_ path: String) throws(SystemError) -> String {
    let file = FileDescriptor(
        adopting: try systemCall("open", path) { open(path, O_RDONLY | O_CLOEXEC) })
    let number = file.rawValue
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = try systemCall("read", path) { read(number, &chunk, chunk.count) }
        if count == 0 { return String(decoding: content, as: UTF8.self) }
        content += chunk[..<count]
    }
}

/// Gives memory that was freed back to the system, as after work on a great many files: the allocator
/// would keep it for a long time. Takes a moment for each part of the heap; any thread may call it.
package func releaseMemory() { cl_release_memory() }

/// Has the allocator give large parts of the heap back as soon as they are free; to be called before any
/// thread starts.
package func boundKeptMemory() { cl_bound_kept_memory() }

/// How far the local time of this machine's user is ahead of UTC at a moment, in seconds.
///
/// - Parameter moment: seconds since 1970.
package func secondsAheadOfUTC(at moment: Int64) -> Int {
    var time = time_t(moment)
    var parts = tm()
    // A year that does not fit is no moment that we could have recorded.
    guard localtime_r(&time, &parts) != nil else { return 0 }
    return parts.tm_gmtoff
}

/// A moment on the monotonic clock, which never jumps and stands still while the machine sleeps.
package struct MonotonicTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since some moment near the machine's boot.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The present moment.
    package static func now() -> MonotonicTime {
        MonotonicTime(nanoseconds: readClock(CLOCK_MONOTONIC))
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// A later moment; what is too far away to express is the end of time.
    package static func + (moment: MonotonicTime, duration: Duration) -> MonotonicTime {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return MonotonicTime(nanoseconds: overflow ? .max : sum)
    }

    /// The time from one moment to another.
    package static func - (end: MonotonicTime, start: MonotonicTime) -> Duration {
        .nanoseconds(end.nanoseconds - start.nanoseconds)
    }
}

extension Duration {
    /// In nanoseconds, held within what 64 bits express (292 years).
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || tooMuch ? (seconds < 0 ? .min : .max) : sum
    }
}

/// Nanoseconds since 1970 by the wall clock, which people set and which may jump.
package func wallClockNow() -> Int64 {
    readClock(CLOCK_REALTIME)
}

private func readClock(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // Cannot fail: both clocks are in every kernel.
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Lets time pass on this thread; a signal that is handled cuts it short.
package func sleepThisThread(for time: Duration) {
    poll(nil, 0, Int32(clamping: time.nanoseconds / 1_000_000))
}
