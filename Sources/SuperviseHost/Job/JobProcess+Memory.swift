import SuperviseCore
import SuperviseSystem

/// Tells which attempts ran out of memory, as the kernel counts it.
extension JobProcess {
    func countMemoryKills() {
        memoryKills = nil
        guard let count = OutOfMemoryCount.find(of: group), let before = count.value() else {
            return
        }
        memoryKills = (count, before)
    }

    /// Called when the leader is gone: the kernel counts a process before it kills it.
    func reportMemoryKills() {
        guard let (count, before) = memoryKills, let after = count.value(), after > before else {
            return
        }
        deliver(.outOfMemory(processes: after - before))
    }
}
