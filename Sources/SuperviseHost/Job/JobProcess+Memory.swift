import SuperviseCore
import SuperviseSystem

/// Tells which attempts ran out of memory, as the kernel counts it.
extension JobProcess {
    func countMemoryKills() {
        memoryKills = OutOfMemoryCount.find(of: group).map { (count: $0.count, before: $0.value) }
    }

    /// Called when the leader is gone: the kernel counts a process before it kills it.
    func reportMemoryKills() {
        guard let (count, before) = memoryKills, let after = count.value(), after > before else {
            return
        }
        deliver(.outOfMemory(processes: after - before))
    }
}
