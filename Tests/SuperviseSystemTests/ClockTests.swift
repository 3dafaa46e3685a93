import Glibc
import SuperviseSystem
import Testing

/// Time-outs stand still while the machine sleeps: Linux stops CLOCK_MONOTONIC then, and counts on in
/// CLOCK_BOOTTIME. (The two differ only on a machine that has slept.)
@Suite("The clock of the time-outs")
struct ClockTests {
    @Test("is the one that stands still while the machine sleeps")
    func reading() {
        func monotonic() -> Int64 {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
        let before = monotonic()
        let now = MonotonicTime.now().nanoseconds
        #expect(before <= now && now <= monotonic())
    }

    @Test("is also that of the timers, as the kernel says")
    func timer() throws {
        let loop = try EventLoop()
        let before = try timers()
        let source = try TimerSource(on: loop) {}
        let made = try timers().filter { !before.keys.contains($0.key) }
        // Other tests make timers meanwhile; none of any other clock.
        #expect(!made.isEmpty && made.values.allSatisfy { $0 == CLOCK_MONOTONIC })
        withExtendedLifetime(source) {}
    }

    /// The clocks of our timers, by their descriptors.
    private func timers() throws -> [String: clockid_t] {
        var found: [String: clockid_t] = [:]
        for entry in try Disk().list("/proc/self/fdinfo") {
            let text = (try? readSmallFile("/proc/self/fdinfo/\(entry.name)")) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("clockid: ") }
            if let line { found[entry.name] = clockid_t(line.dropFirst(9)) }
        }
        return found
    }
}
