import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseText

/// Runs that `supervise init` has made: there is nothing of them to show yet.
extension RunFinder {
    /// What a command answers that names such a run; nil if it is none.
    func initial(_ name: RunName) -> Complaint? {
        for directory in directories {
            let paths = RunPaths(stateDirectory: directory, name: name)
            if (try? RunStore(paths).hasNotBegun()) == true {
                return Complaint(sentence(name, paths.run), status: Complaint.no)
            }
        }
        return nil
    }

    /// A line for each of them.
    func initialNotes() -> [String] {
        directories.flatMap { directory in
            StateDirectory(directory).initialRuns().map { sentence($0, "\(directory)/\($0)") }
        }
    }

    private func sentence(_ name: RunName, _ path: String) -> String {
        "run \(name) was made by supervise init and has not begun (\(HumanText.printable(path))); it "
            + "begins when its command is started"
    }
}
