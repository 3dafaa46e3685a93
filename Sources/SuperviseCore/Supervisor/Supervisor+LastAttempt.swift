import SuperviseFormats

/// Gives up what only another attempt would need.
extension Supervisor {
    /// What our starter gave us for the job is held only as long as another attempt may need it: others
    /// may wait until it is closed.
    mutating func closeInherited() {
        guard keepsInherited, isClosing || stop?.restarts == false else { return }
        keepsInherited = false
        orders.add(.closeInherited)
    }
}
