/// `pins.json`: the checkpoints that stay until somebody unpins them.
///
/// Retention believes this file, so a byte that rots in it must not free a checkpoint: `seal` is a
/// digest of the ids, and where it does not fit, nothing can be told.
package struct Pins: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    /// In order of sequence.
    package var pins: [CheckpointID]
    /// See ``sealed(_:)``.
    package var seal: String

    package init(_ ids: some Sequence<CheckpointID>, seal: String) {
        pins = ids.sorted()
        self.seal = seal
    }

    /// What the seal is the SHA-256 of, in hexadecimal: the ids, each on a line, in order.
    package static func sealed(_ ids: some Sequence<CheckpointID>) -> [UInt8] {
        Array(ids.sorted().map { "\($0)\n" }.joined().utf8)
    }
}
