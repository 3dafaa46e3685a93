import SuperviseFormats

/// A save that the job could not finish, perhaps because the disk is full: what is free is measured,
/// room is made if that is too little, and the job is asked once more.
package struct Shortage: Equatable, Sendable {
    package enum Stage: Equatable, Sendable {
        /// The free space is being measured.
        case measuring
        /// So many bytes are missing: old output and old events are on their way out.
        case logs(missing: Int64)
        /// So many bytes are missing: an archived run is looked for, or is on its way out.
        case archives(missing: Int64)
        /// Checkpoints are on their way out.
        case removing
    }

    /// A request that ended without a checkpoint, to be made again.
    package struct Again: Equatable, Sendable {
        /// The number that it had: a checkpoint may still name it.
        package let number: Int
        let reason: Manifest.Reason
        let final: Bool
        var operators: [Sender]
        /// What they are answered if nobody is asked again.
        let error: ProtocolError
    }

    package internal(set) var stage = Stage.measuring
    let attempt: Int
    /// The job has said that there is no space.
    var isTold: Bool
    package internal(set) var again: Again?
    /// The request whose checkpoint was aborted; if it is still open, it is made again.
    var aborted: Int?
    /// Something has gone for it.
    var hasRemoved = false
}
