import CLinux
import Glibc

/// One thread that sleeps until something happens to the descriptors it watches.
///
/// There is no timeout and no polling: with nothing to do it sleeps for ever. An event is matched to
/// its registration, not to the descriptor's number: what arrives after `cancel`, even in the same
/// batch and for a number that was given out again, reaches nobody.
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

    /// One watch on a descriptor; never used again after `cancel`.
    package struct Registration: Hashable, Sendable {
        fileprivate let id: UInt64
    }

    package typealias Handler = (Readiness) -> Void

    private struct Watch {
        let descriptor: Int32
        var interest: Interest
        let handler: Handler
    }

    private let epoll: FileDescriptor
    private var watches: [UInt64: Watch] = [:]
    private var lastId: UInt64 = 0
    private var isStopping = false
    private var preparations: [() -> Void] = []
    private var postponed: [() -> Void] = []
    private var roundsPostponed = 0

    /// After so many rounds a flood of events no longer holds up what was postponed.
    private static let patience = 16

    /// - Throws: EMFILE, ENFILE.
    package init() throws(SystemError) {
        epoll = FileDescriptor(
            adopting: try systemCall("epoll_create1") {
                epoll_create1(Int32(EPOLL_CLOEXEC))
            })
    }

    /// Calls `handler` whenever the descriptor is ready, until `cancel`, which comes before its close.
    ///
    /// - Throws: EPERM for a regular file or directory, which are always ready; EEXIST where the
    ///   descriptor is watched already; ENOSPC at the user's limit of watches.
    package func watch(
        _ descriptor: Int32, for interest: Interest, _ handler: @escaping Handler
    ) throws(SystemError) -> Registration {
        lastId += 1
        let watch = Watch(descriptor: descriptor, interest: interest, handler: handler)
        if !interest.isEmpty { try control(EPOLL_CTL_ADD, watch, id: lastId) }
        watches[lastId] = watch
        return Registration(id: lastId)
    }

    /// Waits for something else from now on.
    ///
    /// With an empty interest nothing at all is reported, not even that the other side is gone.
    /// - Throws: ENOSPC, ENOMEM. A registration that was cancelled is a bug of ours and traps.
    package func change(
        _ registration: Registration, to interest: Interest
    ) throws(SystemError) {
        guard var watch = watches[registration.id] else {
            preconditionFailure("a registration that was cancelled is changed")
        }
        guard watch.interest != interest else { return }
        let wasIdle = watch.interest.isEmpty
        watch.interest = interest
        // The kernel reports errors and hang-ups asked or not, so nothing to wait for means: take out.
        let operation = interest.isEmpty ? EPOLL_CTL_DEL : wasIdle ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
        try control(operation, watch, id: registration.id)
        watches[registration.id] = watch
    }

    /// Ends a watch; its handler is not called any more. Does nothing the second time.
    package func cancel(_ registration: Registration) {
        guard let watch = watches.removeValue(forKey: registration.id) else { return }
        guard !watch.interest.isEmpty else { return }
        // A descriptor that was closed too early and given out again is not in the set (ENOENT): there
        // is nothing to take out then.
        try? control(EPOLL_CTL_DEL, watch, id: registration.id)
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

    /// Serves events until ``stop()``. May be called again.
    package func run() throws(SystemError) {
        isStopping = false
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while !isStopping {
            for prepare in preparations { prepare() }
            if isStopping { return }
            if postponed.isEmpty {
                try serve(&events, timeout_ms: -1)
                continue
            }
            let isQuiet = try serve(&events, timeout_ms: 0) == 0
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

    /// - Returns: how many events there were.
    @discardableResult
    private func serve(
        _ events: inout [epoll_event], timeout_ms: Int32
    ) throws(SystemError) -> Int {
        let number = epoll.rawValue
        let count = try systemCall("epoll_wait") {
            epoll_wait(number, &events, Int32(events.count), timeout_ms)
        }
        for event in events[..<Int(count)] {
            // Level-triggered: what is skipped here is reported again.
            if isStopping { break }
            watches[event.data.u64]?.handler(Readiness(rawValue: event.events))
        }
        return Int(count)
    }

    private func control(_ operation: Int32, _ watch: Watch, id: UInt64) throws(SystemError) {
        let number = epoll.rawValue
        var event = epoll_event(events: watch.interest.rawValue, data: epoll_data_t(u64: id))
        try systemCall("epoll_ctl", "\(watch.descriptor)") {
            epoll_ctl(number, operation, watch.descriptor, &event)
        }
    }
}
