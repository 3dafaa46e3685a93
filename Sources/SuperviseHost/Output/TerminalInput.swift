import SuperviseSystem

/// What is typed at our own terminal, on its way to the job's.
///
/// Not Sendable: it belongs to the thread of its loop.
final class TerminalInput {
    private let loop: EventLoop
    private var watch: EventLoop.Registration?
    private var waiting: EventLoop.Registration?
    private var typed: [UInt8] = []
    private var isWanted = false

    /// The end of the job's terminal that we type at; nil while there is none.
    var master: SharedDescriptor? {
        willSet { stopWaiting() }
        didSet { typed = [] }
    }

    /// - Parameter loop: its thread reads.
    init(on loop: EventLoop) { self.loop = loop }

    func read(_ wanted: Bool) {
        isWanted = wanted
        listen()
    }

    private func listen() {
        let isListening = isWanted && waiting == nil
        if isListening, watch == nil {
            watch = try? loop.watch(0, for: .read) { [unowned self] _ in readKeys() }
        } else if !isListening, let watch {
            loop.cancel(watch)
            self.watch = nil
        }
    }

    private func readKeys() {
        // In the background, or after a hang-up, there is nothing to read: until we are told.
        switch try? readAvailable(0, into: &typed, limit: 4096) {
        case .bytes: type()
        case .nothingYet: break
        case .end, nil: read(false)
        }
    }

    /// Nothing more is read as long as the job's terminal does not take this.
    private func type() {
        guard let master else { return typed = [] }
        do throws(SystemError) {
            while !typed.isEmpty {
                typed.removeFirst(try writeNow(typed[...], to: master.rawValue))
            }
            stopWaiting()
        } catch {
            guard error.isNotNow else { return typed = [] }
            wait(for: master)
        }
    }

    private func wait(for master: SharedDescriptor) {
        guard waiting == nil else { return }
        // The master is watched for reading already, and one descriptor is watched once: so by
        // another one for the same terminal.
        guard let second = try? master.duplicate() else { return typed = [] }
        waiting = try? loop.watch(second.rawValue, for: .write) { [unowned self] _ in
            withExtendedLifetime(second) { type() }
        }
        listen()
    }

    private func stopWaiting() {
        guard let waiting else { return }
        loop.cancel(waiting)
        self.waiting = nil
        listen()
    }
}
