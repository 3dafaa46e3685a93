/// When contents were completed, also if they are noticed in another order.
///
/// What was written before a content that is reported already was completed before that, though it is
/// noticed only now, under the name that it is kept by.
package struct CompletionTimes: Sendable {
    /// Of the contents that were reported, the one that was written last: when that was, by the clock of the
    /// files, in nanoseconds since 1970; and when it was completed.
    private var newest: (written: Int64, completedAt: Instant)?

    package init() {}

    /// - Parameter clock: now, by the clock of the files.
    package func completion(
        ofWrittenAt written: Int64, seenAt seen: Instant, clock: Int64
    ) -> Instant {
        guard let newest, precedes(written, clock) else { return seen }
        return min(seen, newest.completedAt - .nanoseconds(1))
    }

    /// A content is reported.
    package mutating func note(writtenAt written: Int64, completedAt: Instant, clock: Int64) {
        if !precedes(written, clock) { newest = (written, completedAt) }
    }

    /// A clock that was set back, or a file from the future, shows nothing.
    private func precedes(_ written: Int64, _ clock: Int64) -> Bool {
        guard let newest else { return false }
        return written < newest.written && newest.written <= clock
    }
}

extension [WatchedFile] {
    /// When each was completed follows the order in which they got their names, also if they were
    /// noticed in another one; none at the same moment, as the one that was taken would be as new.
    package var inOrderOfNaming: [WatchedFile] {
        var latest: Instant?
        return map { file in
            var file = file
            if file.wasMoved {
                let next = latest.map { $0 + .nanoseconds(1) }
                file.completedAt = Swift.max(next ?? file.completedAt, file.completedAt)
            }
            latest = Swift.max(latest ?? file.completedAt, file.completedAt)
            return file
        }
    }
}
