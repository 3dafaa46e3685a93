import SuperviseFormats
import SuperviseSystem
import Synchronization

/// A run that is over makes room for the next one of its name. What is archived is moved whole; with
/// checkpoints elsewhere there are two moves, first that of the record, and where power fails in
/// between, the next ``RunStore/prepare()`` makes the second.
extension RunStore {
    /// Moves the run to the archive, durably. Of older ones there only those with pins are kept; the
    /// others are out of it, and ``sweep()`` deletes them beside the job. Afterwards the store is that
    /// of a run that has not begun.
    ///
    /// - Returns: where the record is now; nil where there was no run.
    package func archiveRun(at now: Timestamp) throws(StoreError) -> String? {
        let label = try freeLabel(now)
        let place = try writing { () throws(SystemError) in
            try moveDurably(paths.run, to: paths.archive, as: label)
        }
        if paths.isSplit {
            _ = try writing { () throws(SystemError) in
                try moveDurably(paths.payload, to: paths.payloadArchive, as: label)
            }
        }
        verified.forgetAll()
        state.withLock { $0 = State() }
        try pruneArchives()
        return place
    }

    /// Ends what ``archiveRun(at:)`` began before the power failed.
    func finishArchiving() throws(StoreError) {
        guard paths.isSplit, try exists(paths.payload) else { return }
        let archived = try reading { () throws(SystemError) in try labels(in: paths.archive) }
        guard let label = archived.last, try !exists("\(paths.payloadArchive)/\(label)"),
            let bytes = try document("\(paths.archive)/\(label)/run.json"),
            let record = try? JSONText.decode(RunRecord.self, from: bytes),
            let place = record.checkpointDirectory, FilePath(place) == FilePath(paths.payload)
        else { return }
        _ = try writing { () throws(SystemError) in
            try moveDurably(paths.payload, to: paths.payloadArchive, as: label)
        }
    }

    /// Deletes what was taken out of the archives.
    func sweepArchives() throws(StoreError) {
        try writing { () throws(SystemError) in
            for archive in archives {
                let leftovers = try entries("\(archive)/.trash")
                if leftovers.isEmpty { continue }
                try files.syncDirectory(archive)
                for entry in leftovers { try removeRun("\(archive)/.trash/\(entry.name)") }
            }
        }
    }

    /// With the payloads elsewhere that its checkpoints own.
    private func removeRun(_ run: String) throws(SystemError) {
        for entry in try entries("\(run)/checkpoints") where entry.kind == .directory {
            try removeOwnedPayload(of: "\(run)/checkpoints/\(entry.name)")
        }
        try files.removeTree(run)
    }

    private var archives: [String] {
        paths.isSplit ? [paths.archive, paths.payloadArchive] : [paths.archive]
    }

    private func moveDurably(
        _ directory: String, to archive: String, as label: String
    ) throws(SystemError) -> String? {
        let home = parent(of: directory)
        if try files.makeDirectoryIfMissing(archive) { try files.syncDirectory(home) }
        let place = "\(archive)/\(label)"
        let moved: Void? = try unlessMissing { () throws(SystemError) in
            try files.rename(directory, to: place)
        }
        try files.syncDirectory(home)
        return moved == nil ? nil : place
    }

    /// Keeps the newest, and those with pins.
    private func pruneArchives() throws(StoreError) {
        var all: Set<String> = []
        var pinned: Set<String> = []
        for archive in archives {
            let names = try reading { () throws(SystemError) in try labels(in: archive) }
            all.formUnion(names)
            for name in names where try hasPins("\(archive)/\(name)") { pinned.insert(name) }
        }
        let old = all.sorted().dropLast().filter { !pinned.contains($0) }
        if old.isEmpty { return }
        try writing { () throws(SystemError) in
            for archive in archives {
                try files.makeDirectoryIfMissing("\(archive)/.trash")
                for name in old { _ = try move("\(archive)/\(name)", into: "\(archive)/.trash") }
            }
        }
    }

    /// Whatever is not surely empty holds pins.
    private func hasPins(_ directory: String) throws(StoreError) -> Bool {
        do throws(StoreError) {
            return try !pins(in: "\(directory)/pins.json").isEmpty
        } catch {
            if case .unreadable = error { throw error }
            return true
        }
    }
}

/// What an archived run is called: `NAME-20261121T050401Z`.
extension RunStore {
    /// In order of time.
    private func labels(in archive: String) throws(SystemError) -> [String] {
        let prefix = "\(paths.name)-"
        return try entries(archive).map(\.name).filter { name in
            name.hasPrefix(prefix) && isTime(name.dropFirst(prefix.count))
        }
    }

    private func isTime(_ text: Substring) -> Bool {
        let pattern = Array("00000000T000000Z".utf8)
        return text.utf8.count == pattern.count
            && zip(text.utf8, pattern).allSatisfy { character, wanted in
                wanted == UInt8(ascii: "0")
                    ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
                    : character == wanted
            }
    }

    /// The first second from `now` on that is later than any run in the archive.
    private func freeLabel(_ now: Timestamp) throws(StoreError) -> String {
        var taken: [String] = []
        for archive in archives {
            taken += try reading { () throws(SystemError) in try labels(in: archive) }
        }
        var moment = now
        while true {
            let digits = moment.description.prefix(19).filter { $0 != "-" && $0 != ":" }
            let label = "\(paths.name)-\(digits)Z"
            if !taken.contains(label) { return label }
            moment = moment.advanced(bySeconds: 1)
        }
    }
}
