/// A summary of an archived run, for the decision which parts of it stay.
package struct ArchiveSummary: Equatable, Sendable {
    /// When it was archived, as in `20261121T050401Z`. Later ones compare as greater.
    package var time: String
    /// Which of its checkpoints are pinned; nil where that cannot be told, or the archive cannot be
    /// read: then nothing of it goes.
    package var pins: Set<CheckpointID>?
    /// In order of sequence; none for the newest archive, of which nothing goes.
    package var checkpoints: [CheckpointSummary]
    /// Those whose manifest is missing or garbage.
    package var damaged: [CheckpointID]
    /// How many failures in a row there were from a checkpoint, by id.
    package var suspects: [String: Int]

    package init(
        time: String, pins: Set<CheckpointID>? = [], checkpoints: [CheckpointSummary] = [],
        damaged: [CheckpointID] = [], suspects: [String: Int] = [:]
    ) {
        self.time = time
        self.pins = pins
        self.checkpoints = checkpoints
        self.damaged = damaged
        self.suspects = suspects
    }

    /// It holds pins, or may hold some.
    package var isPinned: Bool { pins?.isEmpty != true }
}
