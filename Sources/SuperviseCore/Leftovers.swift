import SuperviseFormats

extension RunRecord {
    /// Whether processes of the run may still live.
    ///
    /// - Parameter bootID: of the machine's boot; nil if it cannot be read, so that it may be the same one.
    ///
    /// An attempt may run that the record does not show yet, for restarts do not wait for it: only
    /// a clean end says that nobody is left, and only where the record shows no attempt any more.
    package func mayHaveLeftovers(bootID: String?) -> Bool {
        // A record that was written without knowing its boot names none.
        let mayBeSameBoot = bootID == nil || self.bootID.isEmpty || self.bootID == bootID
        return mayBeSameBoot && attempt > 0 && (current != nil || outcome == nil)
    }
}
