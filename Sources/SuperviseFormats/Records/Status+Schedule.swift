extension Status {
    /// When checkpoints are asked for, and why then.
    package struct Schedule: Codable, Equatable, Sendable {
        package var mode: Mode
        /// From a commit to the next checkpoint, in seconds; null with `off`. With `auto` the request
        /// is sent earlier, by `wait_s` of the experience.
        @Null package var interval: Double?
        package var experience: Experience
        /// The mean time between failures that `auto` reckons with, in seconds.
        package var meanTimeBetweenFailures: Double
        /// What it reckons with before it has seen any, in seconds.
        package var expected: Double

        package enum Mode: String, Codable, Sendable { case auto, fixed, off }

        package init(
            mode: Mode, interval: Double?, experience: Experience,
            meanTimeBetweenFailures: Double, expected: Double
        ) {
            self.mode = mode
            self.experience = experience
            self.meanTimeBetweenFailures = meanTimeBetweenFailures
            self.expected = expected
            self.interval = interval
        }

        package enum CodingKeys: String, CodingKey {
            case mode, experience
            case interval = "interval_s"
            case meanTimeBetweenFailures = "mtbf_s"
            case expected = "expected_mtbf_s"
        }
    }
}
