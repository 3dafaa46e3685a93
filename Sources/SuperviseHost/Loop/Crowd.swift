import SuperviseCore

/// What all connections of one socket hold together.
final class Crowd {
    /// Bytes of lines that have not ended.
    private(set) var unfinished = 0
    /// Whether more is ordered than the disk can do.
    var isFlooded: () -> Bool = { false }
    /// Called when a connection is not read from because of that.
    var waitsForDisk: () -> Void = {}
    /// Called when a line is refused because there are too many unfinished ones.
    var refuse: (Connection) -> Void = { $0.close() }

    /// One connection holds so many bytes now.
    ///
    /// - Parameter before: how many it held until now.
    /// - Returns: false where that is too much for one of so many.
    func holds(_ count: Int, before: Int) -> Bool {
        unfinished += count - before
        return unfinished <= SocketBounds.unfinishedLines || count <= SocketBounds.unfinishedLine
    }
}
