import SuperviseFormats

/// Where the runs are.
struct StatePlace: Equatable, Sendable {
    /// An absolute path.
    var directory: String
    /// It was said where; otherwise reading commands look in ``ofServices`` too.
    var isChosen: Bool

    /// Where the service manager keeps the state of the units that are delivered with supervise.
    static let ofServices = "/var/lib/supervise"

    /// - Parameter given: the value of `--state-dir` or of its variable.
    /// - Throws: ``Complaint`` where there is no place for it.
    static func choose(
        given: String?, _ surroundings: Surroundings
    ) throws(Complaint) -> StatePlace {
        if let given {
            return StatePlace(directory: try surroundings.absolute(given), isChosen: true)
        }
        // systemd lists several directories with colons; the first is the unit's main one.
        let list = surroundings.environment["STATE_DIRECTORY"] ?? ""
        if let first = list.split(separator: ":").first {
            return StatePlace(directory: try surroundings.absolute(String(first)), isChosen: true)
        }
        // The specification of XDG says that a relative path is to be ignored.
        if let base = surroundings.absoluteVariable("XDG_STATE_HOME") {
            return StatePlace(
                directory: try surroundings.absolute("\(base)/supervise"), isChosen: false)
        }
        guard let home = surroundings.home else {
            throw Complaint(
                "there is no place for the state, as HOME is not set: give --state-dir DIR")
        }
        return StatePlace(
            directory: try surroundings.absolute("\(home)/.local/state/supervise"), isChosen: false)
    }
}

extension Surroundings {
    /// Whether the home directory is a person's, and not that of a container without users.
    var hasOwnHome: Bool { home.map { FilePath($0).components.isEmpty } == false }

    /// What another command has to be given to find the same runs: where the caller has said it, or where
    /// another shell of the same container may have another HOME.
    func placeOption(_ given: [String: GivenOption], _ place: StatePlace) -> [String] {
        if let option = given["state-dir"], option.source == .commandLine {
            return ["--state-dir", option.text]
        }
        return hasOwnHome ? [] : ["--state-dir", place.directory]
    }

    /// The run whose job we are called by, where its state is in that place.
    func ownRun(in place: StatePlace) -> RunReference? {
        guard absoluteVariable("SUPERVISE_STATE_DIR") == place.directory else { return nil }
        return environment["SUPERVISE_NAME"].flatMap { RunReference($0) }
    }
}
