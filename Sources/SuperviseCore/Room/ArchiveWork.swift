import SuperviseFormats

/// The work on archived runs of this name: they are cut down beside the job, one step after the other,
/// and removed where a full disk needs their room.
struct ArchiveWork: Sendable {
    private var isListing = false
    /// Ordered, and not yet answered.
    private var current: ArchivePlan.Step?
    /// Ordered one after the other.
    private var steps: [ArchivePlan.Step] = []
    /// They are to be cut down as the options say, when they have been looked at.
    private var isDue = false
    /// They were looked at once, to be cut down.
    private var hasTended: Bool
    /// Removed for room, or tried to be, since the last save that needed some.
    private var tried: Set<String> = []
    private let name: String

    /// - Parameters:
    ///   - name: of the run.
    ///   - mayExist: there may be some that are to be cut down.
    init(name: String, mayExist: Bool) {
        self.name = name
        hasTended = !mayExist
    }

    /// The first job runs: what is older than its run has time.
    mutating func tend(_ orders: inout Orders) {
        guard !hasTended else { return }
        hasTended = true
        isDue = true
        look(&orders)
    }

    /// Does nothing while a step is under way: its answer looks again.
    mutating func look(_ orders: inout Orders) {
        guard !isListing, current == nil else { return }
        isListing = true
        orders.add(.listArchives)
    }

    /// For the next save that finds the disk full, all of them are tried again.
    mutating func startAnew() { tried = [] }

    /// - Parameter afterRoom: what happens once there is room; nil where nothing waits for it.
    /// - Returns: whether room is wanted and none of them may go for it; nil where nobody has looked.
    mutating func listed(
        _ found: [ArchiveSummary], afterRoom: String?, _ settings: Settings,
        _ orders: inout Orders
    ) -> Bool? {
        guard isListing else { return nil }
        isListing = false
        let victim = afterRoom == nil ? nil : ArchivePlan.first(of: found, spared: tried)
        // Plan the remaining steps again: the run that is removed for room no longer counts.
        if isDue || !steps.isEmpty {
            isDue = false
            steps =
                ArchivePlan(
                    found.filter { $0.time != victim }, keep: settings.keepArchived,
                    best: settings.retention.keepBest, rollbackAfter: settings.rollbackAfter
                ).steps
        }
        guard let afterRoom else { return false }
        guard let victim else { return true }
        tried.insert(victim)
        steps.insert(.remove(victim), at: 0)
        orders.warn(
            "the disk is full: removing the archived run \(reference(victim)), and \(afterRoom)")
        return false
    }

    mutating func orderNext(_ orders: inout Orders) {
        guard !isListing, current == nil, !steps.isEmpty else { return }
        let step = steps.removeFirst()
        current = step
        switch step {
        case .remove(let time): orders.add(.removeArchive(time))
        case .trim(let time, let ids): orders.add(.trimArchive(time, ids))
        }
    }

    /// - Parameter time: of the archived run.
    /// - Returns: whether that was the step under way.
    mutating func ended(_ time: String) -> Bool {
        guard current?.time == time else { return false }
        current = nil
        return true
    }

    /// - Parameter bytes: nil where it stays.
    func tellRemoved(_ time: String, bytes: Int64?, _ orders: inout Orders) {
        guard let bytes else { return }
        orders.log(.archiveRemoved(.init(archive: reference(time), bytes: bytes)))
    }

    func tellTrimmed(
        _ time: String, gone: [CheckpointID], bytes: Int64, _ orders: inout Orders
    ) {
        guard !gone.isEmpty else { return }
        orders.log(.archiveTrimmed(.init(archive: reference(time), ids: gone, bytes: bytes)))
    }

    private func reference(_ time: String) -> String { "\(name)@\(time)" }
}
