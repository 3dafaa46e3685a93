import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// What is kept, and by pins.
extension CheckpointReader {
    struct Pinned: Codable, Equatable {
        var id: CheckpointID
        var pinned: Bool
    }

    struct Exported: Codable, Equatable {
        var id: CheckpointID
        var path: String
        var bytes: Int64
    }

    /// How much there is, also in JSON. Sizes in bytes, on the disk.
    struct Stats: Codable, Equatable {
        var checkpoints: Int
        var bytes: Int64
        /// As the job saved them.
        var savedBytes: Int64 = 0
        var pinned = 0
        @Null var oldest: Timestamp?
        @Null var newest: Timestamp?
        /// Of one checkpoint.
        @Null var smallest: Int64?
        @Null var median: Int64?
        @Null var largest: Int64?
        var ages: [Age]
        /// Those whose manifest is bad, and those that were set aside.
        var bad: Int
        var setAside: Int
        /// What an ordinary user may still write there.
        @Null var free: Int64?

        enum CodingKeys: String, CodingKey {
            case checkpoints, bytes, pinned, oldest, newest, smallest, median, largest, ages, bad
            case setAside = "set_aside"
            case savedBytes = "saved_bytes"
            case free
        }

        init(checkpoints: Int, bytes: Int64, ages: [Age], bad: Int, setAside: Int) {
            self.checkpoints = checkpoints
            self.bytes = bytes
            self.ages = ages
            self.bad = bad
            self.setAside = setAside
        }
    }

    /// Those of a stretch of time.
    struct Age: Codable, Equatable {
        /// Such as `last hour`.
        var age: String
        var checkpoints: Int
        var bytes: Int64
    }

    /// nil where it cannot be told.
    func pins() -> Set<CheckpointID>? { try? run.store.pins.load() }

    func isPinned(_ id: CheckpointID) -> Bool? { pins()?.contains(id) }

    /// What is said where the pins cannot be read.
    func noteOnPins() -> String? {
        do throws(StoreError) {
            _ = try run.store.pins.load()
            return nil
        } catch {
            return run.store.pins.advice(on: error)
        }
    }

    /// The id of a checkpoint that is there; without a text the newest.
    ///
    /// - Parameter orPinned: one that is pinned will do, even if it is gone.
    func named(_ text: String?, orPinned: Bool = false) throws(Complaint) -> CheckpointID {
        do throws(Complaint) {
            return try summary(text).id
        } catch {
            guard orPinned, let id = text.flatMap({ CheckpointID($0) }), isPinned(id) == true else {
                throw error
            }
            return id
        }
    }

    func stats() throws(Complaint) -> Stats {
        let found = try scan()
        let sizes = found.checkpoints.map(\.sizeOnDisk).sorted()
        let pins = pins() ?? []
        var stats = Stats(
            checkpoints: sizes.count, bytes: sizes.reduce(0, +), ages: ages(of: found.checkpoints),
            bad: found.damaged.count, setAside: found.setAside.count)
        stats.savedBytes = found.checkpoints.sizeAsSaved
        stats.pinned = found.checkpoints.count { pins.contains($0.id) }
        stats.oldest = found.checkpoints.first?.created
        stats.newest = found.checkpoints.last?.created
        stats.smallest = sizes.first
        stats.median = sizes.isEmpty ? nil : sizes[sizes.count / 2]
        stats.largest = sizes.last
        stats.free = try? Disk().freeSpace(run.store.paths.checkpoints)
        return stats
    }

    private func ages(of checkpoints: [CheckpointSummary]) -> [Age] {
        let hour = 3600.0
        let limits = [
            ("last hour", hour), ("last day", 24 * hour), ("last week", 7 * 24 * hour),
            ("last 30 days", 30 * 24 * hour), ("older", .infinity),
        ]
        var ages = limits.map { Age(age: $0.0, checkpoints: 0, bytes: 0) }
        for checkpoint in checkpoints {
            let age = surroundings.now.seconds(since: checkpoint.created)
            let index = limits.firstIndex { age <= $0.1 } ?? limits.count - 1
            ages[index].checkpoints += 1
            ages[index].bytes += checkpoint.sizeOnDisk
        }
        return ages
    }

    func text(_ stats: Stats) -> String {
        guard stats.checkpoints > 0 else { return "run \(run.name) has no checkpoint\n" }
        func age(_ time: Timestamp?) -> String {
            time.map { "\(HumanText.age(surroundings.now.seconds(since: $0))) ago" } ?? "-"
        }
        func size(_ bytes: Int64?) -> String { bytes.map { SizeText.format($0) } ?? "-" }
        let count = HumanText.count(stats.checkpoints, "checkpoint")
        let saved =
            stats.savedBytes == stats.bytes ? "" : " on the disk (\(size(stats.savedBytes)) saved)"
        var lines = [
            "kept      \(count), \(size(stats.bytes))\(saved)",
            "made      from \(age(stats.oldest)) to \(age(stats.newest))",
            "sizes     \(size(stats.smallest)) to \(size(stats.largest)), "
                + "half of them up to \(size(stats.median))",
        ]
        if stats.pinned > 0 { lines.append("pinned    \(stats.pinned)") }
        if stats.bad > 0 { lines.append("BAD       \(stats.bad)") }
        if stats.setAside > 0 { lines.append("set aside \(stats.setAside)") }
        lines.append("free      \(size(stats.free))")
        let rows = stats.ages.filter { $0.checkpoints > 0 }.map {
            [$0.age, "\($0.checkpoints)", size($0.bytes)]
        }
        let table = TextLayout.table([["AGE", "CHECKPOINTS", "SIZE"]] + rows, right: [1, 2])
        return lines.joined(separator: "\n") + "\n\n" + table
    }
}
