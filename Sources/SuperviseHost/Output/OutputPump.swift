import SuperviseStore
import SuperviseSystem

/// Reads what the job writes, keeps it and passes it on, on a thread of its own.
///
/// It waits for nobody but the disk, so that the job does not either. Not Sendable: it belongs to
/// its thread, to which ``Order``s come.
final class OutputPump {
    /// What the pump is to do.
    enum Order: Sendable {
        /// An attempt is about to be started that writes to these.
        case begin(attempt: Int, [Source])
        /// It is over: read what is there, close, and tell.
        case end(attempt: Int)
        /// Read our own terminal from now on, or no longer.
        case readKeys(Bool)
    }

    /// What the pump tells.
    enum Note: Sendable {
        /// The last lines of an attempt that is over.
        case ended(attempt: Int, tail: [String])
        case warning(String)
    }

    /// Something that the job writes to.
    struct Source: Sendable {
        let descriptor: SharedDescriptor
        let outlet: Outlet
        /// It is a terminal's master, at which we type what is typed at ours.
        let takesKeys: Bool
    }

    /// When an attempt is over, so much is read of what is left in each source, as much as the
    /// largest pipe holds: somebody who got away may be writing for ever.
    private static let mostAtEnd = 2 << 20

    private let loop: EventLoop
    private let log: OutputLog?
    private let outlets: [Outlet]
    private let note: (Note) -> Void
    private var taps: [(source: Source, watch: EventLoop.Registration)] = []
    private var tail = OutputTail()
    private var buffer: [UInt8] = []
    private var logFails = false
    private var keys: TerminalInput?

    init(
        on loop: EventLoop, log: OutputLog?, outlets: [Outlet], _ note: @escaping (Note) -> Void
    ) {
        self.loop = loop
        self.log = log
        self.outlets = outlets
        self.note = note
        buffer.reserveCapacity(Backlog.piece)
    }

    func obey(_ order: Order) {
        switch order {
        case .begin(let attempt, let sources): begin(attempt, sources)
        case .end(let attempt): end(attempt)
        case .readKeys(let wanted):
            if wanted, keys == nil { keys = TerminalInput(on: loop) }
            keys?.read(wanted)
        }
    }

    private func begin(_ attempt: Int, _ sources: [Source]) {
        close()
        tail = OutputTail()
        log?.begin(attempt: attempt)
        for outlet in outlets { outlet.beginAttempt() }
        for source in sources {
            do throws(SystemError) {
                let number = source.descriptor.rawValue
                let watch = try loop.watch(number, for: .read) { [unowned self] _ in
                    if !read(source) { close(number) }
                }
                taps.append((source, watch))
                if source.takesKeys { keys?.master = source.descriptor }
            } catch {
                note(.warning("the job's output cannot be read: \(error)"))
            }
        }
    }

    private func end(_ attempt: Int) {
        for (source, _) in taps {
            var left = Self.mostAtEnd
            while left > 0, read(source), !buffer.isEmpty { left -= buffer.count }
        }
        close()
        note(.ended(attempt: attempt, tail: tail.lines))
    }

    /// - Returns: false where nothing will come any more.
    private func read(_ source: Source) -> Bool {
        buffer.removeAll(keepingCapacity: true)
        do throws(SystemError) {
            let number = source.descriptor.rawValue
            let result = try readAvailable(number, into: &buffer, limit: Backlog.piece)
            if case .end = result { return false }
        } catch {
            // A terminal that nobody has open any more says EIO.
            return false
        }
        guard !buffer.isEmpty else { return true }
        let place = keep(buffer[...])
        source.outlet.pass(buffer[...], at: place)
        tail.add(buffer[...])
        return true
    }

    /// - Returns: where it stands now; nil where it is not kept.
    private func keep(_ bytes: ArraySlice<UInt8>) -> OutputLog.Place? {
        guard let log else { return nil }
        do throws(SystemError) {
            let hadRotated = log.rotations
            let place = try log.append(bytes)
            if log.rotations != hadRotated { for outlet in outlets { outlet.dropGone() } }
            logFails = false
            return place
        } catch {
            if !logFails {
                note(.warning("output is being lost, as it cannot be kept: \(error)"))
            }
            logFails = true
            return nil
        }
    }

    private func close(_ number: Int32) {
        guard let index = taps.firstIndex(where: { $0.source.descriptor.rawValue == number })
        else { return }
        loop.cancel(taps[index].watch)
        if taps[index].source.takesKeys { keys?.master = nil }
        taps.remove(at: index)
    }

    private func close() {
        for (source, _) in taps { close(source.descriptor.rawValue) }
    }
}
