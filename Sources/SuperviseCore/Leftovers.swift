import SuperviseFormats

extension RunRecord {
    /// Whether processes of the run may still live, when the machine's boot has this id.
    ///
    /// An attempt may run that the record does not show yet, for restarts do not wait for it: only
    /// a clean end says that nobody is left, and only where the record shows no attempt any more.
    package func mayHaveLeftovers(bootID: String) -> Bool {
        self.bootID == bootID && attempt > 0 && (current != nil || outcome == nil)
    }
}
