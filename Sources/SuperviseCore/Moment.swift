import SuperviseFormats

/// A reading of the monotonic clock.
package struct Instant: Hashable, Comparable, Sendable {
    /// Since an arbitrary origin, the same for as long as the machine is up.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (left: Instant, right: Duration) -> Instant {
        let (seconds, attoseconds) = right.components
        return Instant(
            nanoseconds: left.nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    package static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

/// When something happened: time-outs go by `instant`, and only what people read by `wall`.
package struct Moment: Equatable, Sendable {
    package var instant: Instant
    package var wall: Timestamp
    /// `instant` without all the time in which the job stood still: what is asked of the job goes
    /// by it. ``Supervisor`` sets it; it is never compared with an ``instant``.
    package var counted: Instant

    package init(instant: Instant, wall: Timestamp) {
        self.instant = instant
        self.wall = wall
        counted = instant
    }

    /// What the wall clock will show at `later`, unless it is set meanwhile.
    package func wall(at later: Instant) -> Timestamp {
        wall.advanced(bySeconds: (later - instant).seconds)
    }
}
