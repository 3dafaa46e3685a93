import SuperviseFormats

/// `--resume-args`: what is added to the command where there is a checkpoint to go on from.
package struct ResumeArguments: Equatable, Sendable {
    /// With `{checkpoint}`, `{id}` and `{step}` as they were written.
    private let words: ShellWords

    package var templates: [String] { words.templates }

    /// nil where a quote is not closed, or there is no word.
    package init?(_ text: String) {
        guard let words = ShellWords(text) else { return nil }
        self.words = words
    }

    /// The words for this checkpoint. `{checkpoint}` is the payload's path, a file's where the job
    /// wrote a single one; `{step}` is empty where there is none.
    package func words(for checkpoint: CheckpointSummary) -> [String] {
        words.filled([
            ("{checkpoint}", checkpoint.path), ("{id}", checkpoint.id.description),
            ("{step}", checkpoint.id.step.map { String($0) } ?? ""),
        ])
    }
}
