import SuperviseStore
import SuperviseSystem

/// Reads what the job writes, keeps it and passes it on, on a thread of its own.
///
/// It waits for nobody but a disk that is slow, so that the job does not either. Not Sendable: it belongs to
/// its thread, to which ``Order``s come.
final class OutputPump {
    /// What the pump is to do.
    enum Order: Sendable {
        /// An attempt is about to be started that writes to these.
        case begin(attempt: Int, [Source])
        /// It is over: read what is there, close, and tell.
        case end(attempt: Int)
        /// Nothing will come any more: what is kept goes to the disk, as far as that answers.
        case finish
        /// Read our own terminal from now on, or no longer.
        case readKeys(Bool)
    }

    /// What the pump tells.
    enum Note: Sendable {
        /// The last lines of an attempt that is over.
        case ended(attempt: Int, tail: [String])
        case finished
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
    private let log: LogWriter?
    private let outlets: [Outlet]
    private let note: (Note) -> Void
    private var taps: [(source: Source, watch: EventLoop.Registration)] = []
    private var tail = OutputTail()
    private var buffer: [UInt8] = []
    private var keys: TerminalInput?

    init(
        on loop: EventLoop, log: LogWriter?, outlets: [Outlet], _ note: @escaping (Note) -> Void
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
        case .finish:
            log?.finish()
            note(.finished)
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
        pass(buffer[...], to: source.outlet)
        tail.add(buffer[...])
        return true
    }

    /// At once, unless it has to be read from the log later.
    private func pass(_ bytes: ArraySlice<UInt8>, to outlet: Outlet) {
        if let log, outlet.isBehind {
            outlet.pass(bytes, at: log.keep(bytes))
        } else {
            outlet.pass(bytes, at: nil)
            log?.add(bytes)
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
