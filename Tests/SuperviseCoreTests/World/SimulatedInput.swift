import SuperviseCore

/// Standard input of a simulated supervisor, which its attempts share.
struct SimulatedInput {
    enum Kind: CaseIterable {
        case file, pipe, emptyPipe, other
    }

    let kind: Kind
    /// Where a file was when its supervisor started.
    static let start: Int64 = 7
    private(set) var offset = start
    private(set) var waiting = 100
    private(set) var isOpen: Bool

    init(_ kind: Kind, isOpen: Bool) {
        self.kind = kind
        self.isOpen = isOpen && kind == .pipe
        if kind == .emptyPipe { waiting = 0 }
    }

    var seen: Event.Input {
        switch kind {
        case .file: .file(offset: offset)
        case .pipe, .emptyPipe: .pipe(waiting: waiting, isOpen: isOpen)
        case .other: .other
        }
    }

    /// Nothing comes any more, and an attempt before may have had something.
    var isUsedUp: Bool { kind == .pipe && waiting == 0 && !isOpen }

    /// An attempt reads all that there is.
    mutating func isRead() {
        offset += 10
        waiting = 0
    }

    mutating func writerEnds() { isOpen = false }

    mutating func rewind(to offset: Int64) { self.offset = offset }
}

extension World {
    /// Reported before each attempt, when its leader has ended, and when all of it is gone.
    func lookAtInput() {
        if chance.happens(0.3) { input.writerEnds() }
        later(.inputSeen(input.seen), after: 0)
    }
}
