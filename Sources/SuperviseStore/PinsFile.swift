import SuperviseFormats
import SuperviseSystem

/// `pins.json`, replaced durably. One that cannot be believed is left alone: whoever knows which
/// checkpoints were pinned must say so again.
package struct PinsFile: RunPart {
    package let place: RunPlace

    init(_ place: RunPlace) { self.place = place }

    /// Which checkpoints are pinned; none where there is no file. Writes nothing.
    ///
    /// - Throws: `garbage`, `newerFormat`, `unreadable`: then any of them may be pinned.
    package func load() throws(StoreError) -> Set<CheckpointID> {
        let path = paths.pins
        guard let bytes = try document(path) else { return [] }
        let found = try decode(Pins.self, from: bytes, in: path)
        guard found.seal == Digest.of(Pins.sealed(found.pins)).hex else {
            throw .garbage(path: path, reason: "its seal does not fit its pins")
        }
        return Set(found.pins)
    }

    /// Durable when this returns. Where it throws, the old or the new ones are there.
    package func save(_ pins: Set<CheckpointID>) throws(StoreError) {
        let sealed = Pins(pins, seal: Digest.of(Pins.sealed(pins)).hex)
        let bytes = try encode(sealed, for: paths.pins)
        let temporary = "\(paths.pins).tmp"
        try writing { () throws(SystemError) in
            try files.writeFile(temporary, bytes)
            try files.syncFile(temporary)
            try files.rename(temporary, to: paths.pins)
            try files.syncDirectory(paths.payload)
        }
    }

    /// What somebody is told where ``load()`` has failed.
    package func advice(on error: StoreError) -> String {
        let why =
            if case .garbage(_, let reason) = error {
                "\(shown(paths.pins)) is damaged (\(reason))"
            } else {
                "\(error)"
            }
        return "\(why); until it is mended no checkpoint is removed: bring a good copy back, "
            + "or remove it and pin again what is to stay"
    }
}
