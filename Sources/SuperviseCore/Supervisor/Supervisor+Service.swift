/// What our own service manager hears. Where there is none, nothing is said and no timer is set.
extension Supervisor {
    /// The manager, and what it has been told.
    struct Service: Sendable {
        let manager: ServiceManager
        var isReady = false
        var isStopping = false
        /// Until when it knows that our end may take.
        var extendedTo: Instant?
    }

    package var manager: ServiceManager? { service?.manager }

    /// From the order to end until the process is gone, beyond what the core itself waits for: what
    /// is to be recorded is written.
    private static let afterEnd = Duration.seconds(2)

    /// After every event.
    mutating func tellServiceManager(at now: Moment) {
        guard let service, phase != .idle, phase != .finished, service.isReady || !isClosing else {
            return
        }
        if !service.isReady {
            self.service?.isReady = true
            orders.add(.notify(.ready))
            waitForWatchdog(at: now)
        }
        guard let stop, !stop.restarts else { return }
        if !service.isStopping {
            self.service?.isStopping = true
            orders.add(.notify(.stopping))
        }
        let end = latestEnd(of: stop)
        if service.extendedTo.map({ $0 < end }) ?? true {
            // All of it may have passed while the machine stood still.
            let latest = max(end, now.instant + Self.afterEnd)
            self.service?.extendedTo = latest
            orders.add(.notify(.extend(latest - now.instant)))
        }
    }

    /// When we are gone at the latest, as far as it is known now.
    private func latestEnd(of stop: Stop) -> Instant {
        let abandoned = stop.abandonAt ?? stop.deadline + settings.stopTimeout + .seconds(1)
        return max(abandoned, stop.deadline) + Self.afterEnd
    }

    /// Whoever waits for our end also waits for the last output to be passed on.
    mutating func watchdogTimePassed(at now: Moment) {
        orders.add(.notify(.alive))
        waitForWatchdog(at: now)
    }

    private mutating func waitForWatchdog(at now: Moment) {
        guard let limit = service?.manager.watchdog else { return }
        orders.set(.watchdog, after: limit / 2, at: now)
    }
}
