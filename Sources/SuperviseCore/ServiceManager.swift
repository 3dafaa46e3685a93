/// A program that keeps us as a service, such as systemd, and wants to hear how we are.
package struct ServiceManager: Equatable, Sendable {
    /// Without a sign of life for so long it ends us; nil where it waits for none.
    package var watchdog: Duration?

    package init(watchdog: Duration? = nil) {
        self.watchdog = watchdog
    }
}

/// What a service manager is told; how we are doing it hears with each ``Action/publish(_:)``.
package enum ServiceNotice: Equatable, Sendable {
    /// We do our work from now on: the run is ours, and the options are good.
    case ready
    /// We are alive: our loop turns.
    case alive
    /// We are on our way to our end.
    case stopping
    /// That may take so long from now, whatever time it has for it.
    case extend(Duration)
}
