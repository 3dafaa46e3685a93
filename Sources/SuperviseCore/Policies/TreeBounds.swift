/// How long the job's processes may keep the supervisor busy.
package enum TreeBounds {
    /// The longest look at them: they may come and go faster than they can be looked at, and the rest waits
    /// meanwhile. Who was not met by then gets no SIGTERM, and SIGKILL later.
    package static let look = Duration.milliseconds(500)
}
