import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// A run that was there before this one of its name.
extension Starter {
    /// Moves it to the archive, and says where it is.
    ///
    /// - Returns: whether there was one.
    func archive(_ store: RunStore, socket: String) throws(HostError) -> Bool {
        let now = Timestamp(milliseconds: wallClockNow() / 1_000_000)
        // The status is derived, so a failure does not prevent the start. Leftovers are ended before the
        // first attempt.
        _ = try? Settler(store).settle(at: now, besides: socket)
        // Derived: it only spares a look at all checkpoints.
        let bytes = (try? store.derived.readStatus())?.checkpointBytes
        // Not tried again: it would be archived under two names.
        let archived = try explaining { () throws(StoreError) in try store.archives.take(at: now) }
        guard let archived else { return false }
        let size = bytes.map { ", \(SizeText.format($0))" } ?? ""
        let place = "\(archived.run) (\(HumanText.printable(archived.path))\(size))"
        console.say(
            request.settings.keepArchived == 0
                ? "the run before is archived as \(place); with --keep-archived 0 it is removed, "
                    + "unless something of it is pinned"
                : "the run before is kept as \(place)", .normal)
        return true
    }
}
