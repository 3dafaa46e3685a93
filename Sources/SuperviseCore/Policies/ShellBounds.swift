/// How long the shell waits for others before it goes on without them, and how often it looks.
package enum ShellBounds {
    /// An exec may hang, on a file system of the network: records of the run wait for it no longer.
    package static let recordsDuringExec = Duration.milliseconds(10)
    /// For an earlier supervisor, whose lock is still held, to end: its guard kills for up to 10 s, and then
    /// settles the run for up to 5 s.
    package static let earlierSupervisor = Duration.seconds(20)
    /// For a search for what is left of a run that is settled.
    package static let settling = Duration.seconds(10)

    /// A disk that takes nothing of the log for so long is hung.
    package static let logDisk = Duration.seconds(1)
    /// For the last lines of an attempt of which nothing lives any more.
    package static let lastOutput = Duration.seconds(1)
    /// For the terminal to take back the status line before we are stopped.
    package static let statusLine = Duration.milliseconds(200)

    /// Some work of the disk does not wake the loop when it is done: while others wait for it, it is
    /// looked at so often.
    package static let floodedDisk = Duration.seconds(1)
    /// Without a descriptor for a new connection: until it is tried again.
    package static let nextAccept = Duration.seconds(1)

    /// From the start of a verification until people first hear how far it is, and from then on.
    package static let (firstProgress, nextProgress) = (Duration.seconds(2), Duration.seconds(5))
}

/// How long nothing must happen to what a job writes before it counts as complete.
package struct WatchTiming: Equatable, Sendable {
    /// To a file that was closed: if its writer dies of the same cause that closed it, that is heard
    /// of in this time.
    package var file: Duration
    /// To everything in a directory.
    package var directory: Duration
    private static let longest = Duration.seconds(10)

    package init(file: Duration = .milliseconds(250), directory: Duration = .seconds(2)) {
        self.file = file
        self.directory = directory
    }

    /// - Parameter last: how long it was waited for, in vain.
    package static func next(after last: Duration) -> Duration { min(last * 2, longest) }
}

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

/// How long the job's processes may keep the supervisor busy.
package enum TreeBounds {
    /// The longest look at them: they may come and go faster than they can be looked at, and the rest waits
    /// meanwhile. Who was not met by then gets no SIGTERM, and SIGKILL later.
    package static let look = Duration.milliseconds(500)
}
