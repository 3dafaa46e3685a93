/// How much is taken from the sockets at once, so that nobody who floods them holds up anything else.
package enum SocketBounds {
    /// For the name of the second socket to go at the end; one that stays is replaced by the next start.
    package static let removal = Duration.milliseconds(200)
    /// Peers are served for so long before signals, timers and ends of children are looked at again.
    package static let slice = Duration.milliseconds(5)
    /// Messages of one connection before another has its turn.
    package static let messagesInTurn = 4
    /// New connections before others have their turn.
    package static let connectionsInTurn = 16
    /// Of one line, and of what is queued for a reader that does not read, in bytes.
    package static let line = 1 << 20
    /// Questions of one connection that wait for an answer: while there are so many, no more are read.
    package static let unanswered = 32
    /// Answers, in bytes, that a connection asked for and does not read: while more wait, no more of its
    /// questions are read.
    package static let unreadAnswers = 64 << 10
    /// Lines that have begun and not ended, on all connections, in bytes. With more, one that is longer
    /// than ``unfinishedLine`` counts as too long.
    package static let unfinishedLines = 64 << 20
    package static let unfinishedLine = 64 << 10

    /// Metrics of a `progress` that is longer, in bytes, wait: the newest take the place of others that
    /// wait, and they are parsed once in this time.
    package static let largeProgress = 16 << 10
    package static let metricsEvery = Duration.seconds(1)

    /// Orders that wait for the disk. With more, those who give it work are not read from until it
    /// has caught up.
    package static func isTooMuch(staging: Int, commits: Int, cleaning: Int) -> Bool {
        staging > 64 || commits > 1_000 || cleaning > 10_000
    }
}
