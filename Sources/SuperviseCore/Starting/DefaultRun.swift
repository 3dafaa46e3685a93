import SuperviseFormats

/// Which of two runs a command means that names none, where its directory has two paths: the one that
/// the shell knows it by, and the one without links.
package struct DefaultRun: Equatable, Sendable {
    package struct Found: Equatable, Sendable {
        package var isCompleted: Bool
        package var created: Timestamp

        package init(isCompleted: Bool, created: Timestamp) {
            self.isCompleted = isCompleted
            self.created = created
        }
    }

    /// The run by the shell's path, which a new run gets the name of; nil where there is none.
    package var usual: Found?
    /// The run by the other path.
    package var second: Found?

    package init(usual: Found?, second: Found?) {
        self.usual = usual
        self.second = second
    }

    package var areBothUnfinished: Bool {
        usual?.isCompleted == false && second?.isCompleted == false
    }

    /// An unfinished one is meant, and of two the newer one; else the one that is there.
    package var takesSecond: Bool {
        guard let second else { return false }
        guard let usual else { return true }
        if usual.isCompleted != second.isCompleted { return usual.isCompleted }
        return !usual.isCompleted && usual.created < second.created
    }
}
