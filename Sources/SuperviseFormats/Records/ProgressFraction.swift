/// How much of its work a job has done, by the steps that it reports.
package enum ProgressFraction {
    /// `(step - first) / (total - first)`; nil if there is no total above `first`.
    ///
    /// - Parameter first: the step at the beginning; nil is 0. The year 2027 of 2025 to 2060 is 2 of 35.
    package static func of(step: Int64?, first: Int64?, total: Int64?) -> Double? {
        guard let step, let total else { return nil }
        let first = Double(first ?? 0)
        guard Double(total) > first else { return nil }
        return max(0, (Double(step) - first) / (Double(total) - first))
    }
}

extension Manifest {
    /// How far the job was when it made a checkpoint.
    package struct Progress: Codable, Equatable, Sendable {
        @Null package var step: Int64?
        @Null package var first: Int64?
        @Null package var total: Int64?
        @Null package var unit: String?
        @Null package var fraction: Double?

        /// - Parameter step: of the checkpoint; without one, that of the job's last report counts.
        /// - Returns: nil if the job has told nothing of its progress.
        package init?(_ told: Status.Progress, at step: Int64?) {
            let step = step ?? told.step
            guard told.step != nil || told.total != nil else { return nil }
            self.step = step
            first = told.first
            total = told.total
            unit = told.unit
            fraction = ProgressFraction.of(step: step, first: told.first, total: told.total)
        }
    }
}
