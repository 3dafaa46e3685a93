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

    /// Whether a directory is complete, as its files were written so long ago.
    ///
    /// - Parameter time: below zero if a file is from the future, which shows nothing.
    package func isQuiet(for time: Duration) -> Bool { time < .zero || time >= directory }

    /// - Parameter last: how long it was waited for, in vain.
    package static func next(after last: Duration) -> Duration { min(last * 2, longest) }
}

/// How long the job's processes may keep the supervisor busy.
package enum TreeBounds {
    /// The longest look at them: they may come and go faster than they can be looked at, and the rest waits
    /// meanwhile. Who was not met by then gets no SIGTERM, and SIGKILL later.
    package static let look = Duration.milliseconds(500)
}
