import CLinux
import Glibc

/// One thread that sleeps until something happens to the descriptors it watches.
///
/// There is no timeout and no polling: with nothing to do it sleeps for ever. An event is matched to
/// its registration, not to the descriptor's number: what arrives after `cancel`, even in the same
/// batch and for a number that was given out again, reaches nobody.
///
/// One turn serves what is ready in the order of its ``Rank``. See ``TurnQueue`` for the last rank.
///
/// Not Sendable: it belongs to the thread that runs it. A ``Mailbox`` is the way in from other threads.
package final class EventLoop {
    /// What to wait for on a descriptor.
    package struct Interest: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// There is something to read, to accept, or the end.
        package static let read = Interest(rawValue: EPOLLIN.rawValue)
        /// There is room to write.
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)
        /// A file of the kernel's own has changed.
        package static let urgent = Interest(rawValue: EPOLLPRI.rawValue)
        /// The other side is gone altogether; told whatever else is waited for, but not for nothing.
        package static let hangup = Interest(rawValue: EPOLLHUP.rawValue)
    }

    /// What has happened to a descriptor.
    package struct Readiness: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let read = Readiness(rawValue: EPOLLIN.rawValue)
        package static let write = Readiness(rawValue: EPOLLOUT.rawValue)
        /// The other side is gone; there may be something left to read.
        package static let hangup = Readiness(rawValue: EPOLLHUP.rawValue)
        /// The descriptor has failed; the next call on it tells why.
        package static let error = Readiness(rawValue: EPOLLERR.rawValue)
    }

    /// When a watch is served within a turn of the loop.
    package enum Rank: Sendable {
        /// Before all others: signals, timers, ends of children.
        case first
        case normal
        /// After all others, each in its turn and for a bounded time in all: peers on sockets, who may
        /// send without end.
        case inTurns
    }

    /// One watch on a descriptor; never used again after `cancel`.
    package struct Registration: Hashable, Sendable {
        fileprivate let id: UInt64
    }

    package typealias Handler = (Readiness) -> Void

    private struct Watch {
        let id: UInt64
        let descriptor: Int32
        var interest: Interest
        let rank: Rank
        let handler: Handler
    }

    private let epoll: FileDescriptor
    /// Watches the descriptors of ``Rank/inTurns``; it is itself watched by `epoll`.
    private let peers: FileDescriptor
    private var turns = TurnQueue()
    /// How long watches of ``Rank/inTurns`` are served before the others are looked at again.
    package var slice = Duration.milliseconds(5)
    /// In the order of their numbers, so that one is found quickly.
    private var watches: [Watch] = []
    private var lastId: UInt64 = 0
    private var isStopping = false
    private var preparations: [() -> Void] = []
    private var postponed: [() -> Void] = []
    private var roundsPostponed = 0

    /// After so many rounds a flood of events no longer holds up what was postponed.
    private static let patience = 16
    /// The number that stands for `peers` in `epoll`; registrations count from 1.
    private static let peersId: UInt64 = 0

    /// - Throws: EMFILE, ENFILE.
    package init() throws(SystemError) {
        epoll = try Self.makeEpoll()
        peers = try Self.makeEpoll()
        try watchPeers()
    }

    private static func makeEpoll() throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            adopting: try systemCall("epoll_create1") {
                epoll_create1(Int32(EPOLL_CLOEXEC))
            })
    }

    /// Calls `handler` whenever the descriptor is ready, until `cancel`, which comes before its close.
    ///
    /// - Throws: EPERM for a regular file or directory, which are always ready; EEXIST where the
    ///   descriptor is watched already; ENOSPC at the user's limit of watches.
    package func watch(
        _ descriptor: Int32, for interest: Interest, rank: Rank = .normal,
        _ handler: @escaping Handler
    ) throws(SystemError) -> Registration {
        lastId += 1
        let watch = Watch(
            id: lastId, descriptor: descriptor, interest: interest, rank: rank, handler: handler)
        if !interest.isEmpty { try control(EPOLL_CTL_ADD, watch) }
        watches.append(watch)
        return Registration(id: lastId)
    }

    /// Waits for something else from now on.
    ///
    /// With an empty interest nothing at all is reported, not even that the other side is gone.
    /// - Throws: ENOSPC, ENOMEM. A registration that was cancelled is a bug of ours and traps.
    package func change(
        _ registration: Registration, to interest: Interest
    ) throws(SystemError) {
        guard let place = place(of: registration.id) else {
            preconditionFailure("a registration that was cancelled is changed")
        }
        var watch = watches[place]
        guard watch.interest != interest else { return }
        let wasIdle = watch.interest.isEmpty
        watch.interest = interest
        // The kernel reports errors and hang-ups asked or not, so nothing to wait for means: take out.
        let operation = interest.isEmpty ? EPOLL_CTL_DEL : wasIdle ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
        try control(operation, watch)
        watches[place] = watch
    }

    /// Ends a watch; its handler is not called any more. Does nothing the second time.
    package func cancel(_ registration: Registration) {
        guard let place = place(of: registration.id) else { return }
        let watch = watches.remove(at: place)
        guard !watch.interest.isEmpty else { return }
        // A descriptor that was closed too early and given out again is not in the set (ENOENT): there
        // is nothing to take out then.
        try? control(EPOLL_CTL_DEL, watch)
    }

    /// nil where the watch was cancelled.
    private func place(of id: UInt64) -> Int? {
        var (low, high) = (0, watches.count)
        while low < high {
            let middle = (low + high) / 2
            if watches[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < watches.count && watches[low].id == id ? low : nil
    }

    /// Calls `work` in ``run()`` in every round, before the next events are asked for.
    package func beforeWaiting(_ work: @escaping () -> Void) {
        preparations.append(work)
    }

    /// Calls `work` once, in ``run()``, when no event is left to be served, or soon in any case: for what
    /// is not to be in the way of what is urgent.
    package func whenQuiet(_ work: @escaping () -> Void) {
        if postponed.isEmpty { roundsPostponed = 0 }
        postponed.append(work)
    }

    /// Calls the handler of a watch of ``Rank/inTurns`` once more when its turn comes, with `.read`: there
    /// is something left to do for it that the kernel does not know of.
    package func again(_ registration: Registration) {
        guard let place = place(of: registration.id) else { return }
        precondition(
            watches[place].rank == .inTurns,
            "only a watch that is served in turns gets another")
        turns.add(registration.id, Readiness.read.rawValue)
    }

    /// Serves events until ``stop()``. May be called again.
    package func run() throws(SystemError) {
        isStopping = false
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while !isStopping {
            for prepare in preparations { prepare() }
            if isStopping { return }
            if postponed.isEmpty {
                try takeTurn(&events, mayWait: true)
                continue
            }
            let isQuiet = try !takeTurn(&events, mayWait: false)
            roundsPostponed += 1
            if isQuiet || roundsPostponed >= Self.patience { doPostponed() }
        }
    }

    private func doPostponed() {
        let work = postponed
        postponed = []
        for one in work { one() }
    }

    /// Ends ``run()`` once the handler that calls this returns; events that are left wait for the next.
    package func stop() {
        isStopping = true
    }

    /// - Returns: whether there was anything to serve.
    @discardableResult
    private func takeTurn(
        _ events: inout [epoll_event], mayWait: Bool
    ) throws(SystemError) -> Bool {
        let hasTurns = !turns.isEmpty
        let timeout_ms: Int32 = !mayWait || hasTurns ? 0 : -1
        let number = epoll.rawValue
        let count = try systemCall("epoll_wait") {
            epoll_wait(number, &events, Int32(events.count), timeout_ms)
        }
        serve(events[..<Int(count)], rank: .first)
        serve(events[..<Int(count)], rank: .normal)
        let peersAreReady = events[..<Int(count)].contains { $0.data.u64 == Self.peersId }
        if !isStopping, hasTurns || peersAreReady { try servePeers(&events) }
        return count > 0 || hasTurns
    }

    private func serve(_ events: ArraySlice<epoll_event>, rank: Rank) {
        for event in events {
            // Level-triggered: what is skipped here is reported again.
            if isStopping { return }
            guard let place = place(of: event.data.u64), watches[place].rank == rank else {
                continue
            }
            watches[place].handler(Readiness(rawValue: event.events))
        }
    }

    /// Puts sources that are newly ready behind those that wait; then each has one turn, until the time is
    /// over. A second turn comes only after another look at which sources are ready.
    private func servePeers(_ events: inout [epoll_event]) throws(SystemError) {
        let end = MonotonicTime.now() + slice
        let number = peers.rawValue
        let count = try systemCall("epoll_wait") {
            epoll_wait(number, &events, Int32(events.count), 0)
        }
        for event in events[..<Int(count)] { turns.add(event.data.u64, event.events) }
        for _ in 0..<turns.count {
            guard !isStopping, let (id, readiness) = turns.next() else { return }
            if let place = place(of: id) {
                watches[place].handler(Readiness(rawValue: readiness))
            }
            if MonotonicTime.now() >= end { return }
        }
    }

    private func watchPeers() throws(SystemError) {
        let (number, peersNumber) = (epoll.rawValue, peers.rawValue)
        var event = epoll_event(
            events: Interest.read.rawValue, data: epoll_data_t(u64: Self.peersId))
        try systemCall("epoll_ctl") { epoll_ctl(number, EPOLL_CTL_ADD, peersNumber, &event) }
    }

    private func control(_ operation: Int32, _ watch: Watch) throws(SystemError) {
        let number = watch.rank == .inTurns ? peers.rawValue : epoll.rawValue
        var event = epoll_event(events: watch.interest.rawValue, data: epoll_data_t(u64: watch.id))
        try systemCall("epoll_ctl", "\(watch.descriptor)") {
            epoll_ctl(number, operation, watch.descriptor, &event)
        }
    }
}

/// One alarm on the monotonic clock, served by an ``EventLoop``.
package final class TimerSource {
    private let timer: FileDescriptor
    private let loop: EventLoop
    private var registration: EventLoop.Registration?

    /// - Parameter handler: called once for each deadline that passes.
    /// - Throws: EMFILE.
    package init(
        on loop: EventLoop, _ handler: @escaping () -> Void
    ) throws(SystemError) {
        self.loop = loop
        let number = try systemCall("timerfd_create") {
            timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        }
        timer = FileDescriptor(adopting: number)
        registration = try loop.watch(number, for: .read, rank: .first) { _ in
            var expirations: UInt64 = 0
            // Nothing to read: the alarm was set anew after it went off.
            if read(number, &expirations, 8) == 8 { handler() }
        }
    }

    deinit {
        if let registration { loop.cancel(registration) }
    }

    /// Sets the alarm to a moment, instead of what was set before; nil takes it back.
    ///
    /// A moment that has passed goes off at once, in the loop.
    package func set(_ deadline: MonotonicTime?) {
        // Zero would mean: never.
        let nanoseconds = max(1, deadline?.nanoseconds ?? 1)
        var setting = itimerspec()
        if deadline != nil {
            setting.it_value.tv_sec = Int(nanoseconds / 1_000_000_000)
            setting.it_value.tv_nsec = Int(nanoseconds % 1_000_000_000)
        }
        let result = timerfd_settime(
            timer.rawValue, Int32(TFD_TIMER_ABSTIME), &setting, nil)
        precondition(result == 0, "timerfd_settime: errno \(errno)")
    }
}
