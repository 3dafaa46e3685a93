import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Prints what a job wrote, from the files that `--capture` keeps, and goes on with what comes:
/// from one file to the next, and from one attempt to the next.
struct LogReader: Sendable {
    let run: FoundRun
    /// nil for the newest.
    let attempt: Int?
    let follows: Bool
    let now: Timestamp

    /// A file that is being printed.
    private struct Place {
        let file: FileReader
        /// As it was called when it was opened.
        let name: OutputFile
    }

    private var directory: String { run.store.paths.output }

    /// Writes to standard output until there is no more.
    ///
    /// - Throws: ``Complaint`` where there is nothing to print, or it cannot be read or written.
    func print() throws(Complaint) {
        let hasFound: Bool
        do throws(SystemError) {
            hasFound = try copyAll()
        } catch {
            throw Complaint(writing: error)
                ?? Complaint("the output of \(run.name) cannot be shown: \(error)")
        }
        if !hasFound { throw nothing() }
    }

    /// - Returns: whether there was anything.
    private func copyAll() throws(SystemError) -> Bool {
        let changes = follows ? try watch() : nil
        var place: Place?
        while true {
            // Asked first: what was written before the end is there after it.
            let isOver = changes == nil || isOver()
            if let place { try copy(place.file) }
            if let next = try next(after: place) {
                // What came between the last look and the change to another file.
                if let place { try copy(place.file) }
                place = next
                continue
            }
            if isOver { return place != nil }
            guard try changes?.wait(whileRead: 1) == true else { return true }
        }
    }

    private func watch() throws(SystemError) -> DirectoryChanges? {
        guard pathExists(directory) else { return nil }
        // The lock is closed when a supervisor that was killed has left nobody behind.
        return try DirectoryChanges(in: [directory, run.store.paths.run, run.store.paths.locks])
    }

    private func copy(_ file: FileReader) throws(SystemError) {
        while case let bytes = try file.next(), !bytes.isEmpty {
            try writeStandardOutput(bytes)
        }
    }

    /// Nothing will be added to what is to be printed.
    private func isOver() -> Bool {
        // A run that cannot be looked at now is looked at again at the next change.
        guard let glance = try? run.glance(at: now) else { return false }
        guard glance.isRunning else { return true }
        guard let attempt else { return false }
        return glance.status.attempt > attempt
            || (glance.status.attempt == attempt && glance.status.phase == .backoff)
    }

    /// Files get other names at any moment; more often than this is not looked again for them.
    private static let mostTries = 100

    /// The file that goes on where this one ends, or the first one; nil where there is none yet.
    private func next(after place: Place?) throws(SystemError) -> Place? {
        var tries = 0
        while true {
            tries += 1
            let isLast = tries >= Self.mostTries
            guard let name = try name(after: place, isLast: isLast) else { return nil }
            do throws(SystemError) {
                let file = try FileReader("\(directory)/\(name.name)")
                // The name may be that of another file by now.
                let again = isLast ? name : try self.name(after: place, isLast: false)
                let isSame = again.flatMap(inode) == file.inode
                if isSame || isLast {
                    if let place, try isGone(place) { tellOfLoss() }
                    return Place(file: file, name: again ?? name)
                }
            } catch {
                // It got another name meanwhile, or was removed.
                guard error.isMissing else { throw error }
            }
        }
    }

    /// The name of that file, as names are now.
    private func name(after place: Place?, isLast: Bool) throws(SystemError) -> OutputFile? {
        while true {
            let names = try OutputFile.all(in: directory)
            let meant = attempt ?? place?.name.attempt ?? names.last?.attempt
            guard let place else { return names.first { $0.attempt == meant } }
            // By its inode, as its name changes.
            for (index, name) in names.enumerated() where name.attempt == place.name.attempt {
                guard inode(of: name) == place.file.inode else { continue }
                let next = names.dropFirst(index + 1).first
                return next.flatMap { attempt == nil || $0.attempt == attempt ? $0 : nil }
            }
            // It got another name while it was looked for.
            if !isLast, try !isGone(place) { continue }
            return names.first { $0.attempt >= place.name.attempt }
        }
    }

    private func isGone(_ place: Place) throws(SystemError) -> Bool {
        try !place.file.hasName()
    }

    private func tellOfLoss() {
        writeStandardError("supervise: some output was removed before it could be shown\n")
    }

    private func inode(of name: OutputFile) -> UInt64? {
        try? Disk().status("\(directory)/\(name.name)").inode
    }

    private func nothing() -> Complaint {
        let names = (try? OutputFile.all(in: directory)) ?? []
        if let attempt, let first = names.first?.attempt, let last = names.last?.attempt {
            let there = first == last ? "only attempt \(first)" : "something of \(first) to \(last)"
            return Complaint(
                "nothing is kept of what attempt \(attempt) of \(run.name) wrote; there is \(there)",
                status: Complaint.no)
        }
        return Complaint(
            pathExists(directory)
                ? "run \(run.name) has written nothing yet"
                : "the output of \(run.name) is not kept; start it with --capture",
            status: Complaint.no)
    }
}

extension CommandCall {
    func logs() throws(Complaint) -> LogReader {
        LogReader(
            run: try meantRun(), attempt: values.attempt, follows: values.follow,
            now: surroundings.now)
    }
}
