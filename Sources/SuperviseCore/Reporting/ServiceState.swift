import SuperviseFormats

/// Our service manager, and what it has been told; without one nothing is said.
///
///     (nothing) → ready → stopping      (stopping is told again when the end may take longer)
struct ServiceState: Sendable {
    let manager: ServiceManager?
    private var isReady = false
    private var isStopping = false
    /// Until when it knows that our end may take.
    private var extendedTo: Instant?

    /// From the order to end until the process is gone, beyond what the core itself waits for: what
    /// is to be recorded is written.
    private static let afterEnd = Duration.seconds(2)

    init(manager: ServiceManager?) { self.manager = manager }

    /// Says what is new, after every event between the first and our end.
    ///
    /// - Parameter isClosing: the end is decided; a manager that was told nothing before hears nothing.
    mutating func follow(
        _ stop: Stop?, isClosing: Bool, stopTimeout: Duration, at now: Moment,
        _ orders: inout Orders
    ) {
        guard manager != nil, isReady || !isClosing else { return }
        if !isReady {
            isReady = true
            orders.add(.notify(.ready))
            waitForWatchdog(at: now, &orders)
        }
        guard let stop, !stop.restarts else { return }
        if !isStopping {
            isStopping = true
            orders.add(.notify(.stopping))
        }
        let end = Self.latestEnd(of: stop, stopTimeout: stopTimeout)
        if extendedTo.map({ $0 < end }) ?? true {
            // All of it may have passed while the machine stood still.
            let latest = max(end, now.instant + Self.afterEnd)
            extendedTo = latest
            orders.add(.notify(.extend(latest - now.instant)))
        }
    }

    /// When we are gone at the latest, as far as it is known now.
    private static func latestEnd(of stop: Stop, stopTimeout: Duration) -> Instant {
        let abandoned = stop.abandonAt ?? stop.deadline + stopTimeout + .seconds(1)
        return max(abandoned, stop.deadline) + afterEnd
    }

    /// Also while we end, as the last output may take long to be passed on.
    func watchdogTimePassed(at now: Moment, _ orders: inout Orders) {
        orders.add(.notify(.alive))
        waitForWatchdog(at: now, &orders)
    }

    private func waitForWatchdog(at now: Moment, _ orders: inout Orders) {
        guard let limit = manager?.watchdog else { return }
        orders.set(.watchdog, after: limit / 2, at: now)
    }
}

/// What `status --check` looks at, for health checks of containers that go by an exit status.
package enum HealthCheck: String, Sendable, CaseIterable {
    /// Whether the run has a supervisor that answers, whatever its job does: a liveness probe.
    case supervisor
    /// Whether the job runs, too: a readiness probe.
    case job

    /// How long a supervisor may take to be reached, and then to answer. One that is hung does neither.
    package static let patience = Duration.seconds(5)

    /// - Parameter status: as the supervisor has just answered.
    package func isPassed(by status: Status) -> Bool {
        switch self {
        case .supervisor: true
        case .job: status.phase == .running && status.jobPID != nil
        }
    }
}
