import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

extension DoctorReader {
    /// Of the places where runs are kept, those that another user may change.
    func weakPlaces(
        _ places: [MachineFacts.Place], _ runs: [RunFacts]
    ) -> [MachineFacts.WeakPlace] {
        let hasJobOfAnother = runs.contains { run in
            guard case .success(let record) = run.record else { return false }
            return record.options["user"] != nil
        }
        return places.compactMap { place in
            guard let walk = try? PathWalk.look(place.path) else { return nil }
            let trust = PlaceTrust(steps: walk.trustSteps)
            let verdict = trust.verdict(
                user: user, group: groupId(), jobIsAnother: hasJobOfAnother)
            switch verdict {
            case .trusted: return nil
            case .warned(let weakness), .refused(let weakness):
                // Faults of the place itself are reported with the place.
                if weakness.step.path == walk.steps.last?.path { return nil }
                return .init(
                    label: place.label, path: place.path, weakness: weakness,
                    hasJobOfAnother: hasJobOfAnother)
            }
        }
    }
}

/// Who else may decide what a path leads to.
extension MachineDoctor {
    var trust: [Finding] {
        facts.weakPlaces.map { place in
            let what = PlaceText.what(place.weakness)
            let isRefused = facts.user == 0 && place.hasJobOfAnother
            let beside = PlaceText.beside(place.weakness.step.path)
            let make = HumanText.commandLine(["install", "-d", "-m", "711", beside])
            let path = HumanText.printable(place.path)
            let then = isRefused ? "; a start with --user is refused there" : ", and may replace it"
            return Finding(
                isRefused ? .problem : .note, place.label, "\(path): \(what)\(then)",
                advice: facts.user == 0
                    ? "keep it in a directory of root's (\(make)), or run the job in a unit of that "
                        + "user (systemctl --user)"
                    : "keep it below directories that only you and root can change")
        }
    }
}
