import SuperviseCore
import SuperviseHost
import SuperviseStore
import SuperviseSystem

extension CheckpointKeeper {
    /// Root changes nothing where another user could have it work on other files.
    func refuseForeignPlace() throws(Complaint) {
        guard userId() == 0 else { return }
        for place in [run.store.paths.run, run.store.paths.payload] {
            guard let walk = try? PathWalk.look(place) else { continue }
            let trust = PlaceTrust(steps: walk.trustSteps)
            // As for a job that is another user: whose rights are ours here is not known.
            let verdict = trust.verdict(user: 0, group: 0, jobIsAnother: true)
            guard case .refused(let weakness) = verdict else { continue }
            throw Complaint(
                "run \(run.name): \(PlaceText.what(weakness)), and who can change it could have root "
                    + "change other files; call supervise as the user whose run it is (sudo -u USER "
                    + "supervise …), or move the run to a directory of root's")
        }
    }
}
