import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// `supervise init NAME [--mounted]`.
extension CommandCall {
    /// What was made, in JSON.
    private struct Made: Codable {
        var name: String
        var path: String
        /// Where the file system is mounted that it is on; null without --mounted.
        @Null var mountPoint: String?

        init(_ paths: RunPaths, mountPoint: String?) {
            name = paths.name.description
            path = paths.run
            self.mountPoint = mountPoint
        }

        enum CodingKeys: String, CodingKey {
            case name, path
            case mountPoint = "mount_point"
        }
    }

    func initialise() throws(Complaint) -> Answer {
        guard let text = operands.first else {
            throw Complaint("say which run: supervise init NAME")
        }
        try refuseOperands(after: 1)
        guard let name = RunName(text) else {
            throw Complaint(
                "\"\(HumanText.printable(text))\" cannot be the name of a run"
                    + (NameHint.escaped(text) ?? " (\(command.helpCall))"))
        }
        let paths = RunPaths(
            stateDirectory: runs.place.directory, name: name,
            checkpointRoot: try values.checkpointDirectory.map(surroundings.absolute))
        let mounts: [MountTable.Entry]
        let result: RunMaker.Result
        do throws(StartError) {
            let maker = RunMaker(paths)
            mounts = values.mustBeMounted ? try maker.mounts() : []
            result = try maker.make(at: surroundings.now)
        } catch {
            throw Complaint("run \(name) is not made: \(error)")
        }
        guard case .made(let warning) = result else { throw isThere(paths) }
        var answer = try answer(paths, mounts)
        answer.notes = [warning].compactMap { $0 }
        return answer
    }

    private func answer(
        _ paths: RunPaths, _ mounts: [MountTable.Entry]
    ) throws(Complaint) -> Answer {
        let point = mounts.first?.point.text
        if values.json {
            return try json(Made(paths, mountPoint: point))
        }
        let disks = mounts.map { "\(HumanText.printable($0.point.text)) (\($0.kind))" }
        let place = disks.isEmpty ? "" : ", on \(disks.joined(separator: " and "))"
        return Answer(
            text: "run \(paths.name) is made, and has not begun: "
                + "\(HumanText.printable(paths.run))\(place)\n")
    }

    private func isThere(_ paths: RunPaths) -> Complaint {
        let place = HumanText.printable(paths.run)
        if (try? RunStore(paths).hasNotBegun()) == true {
            return Complaint(
                "run \(paths.name) was made before, and has not begun: \(place)",
                status: Complaint.no)
        }
        return Complaint(
            "run \(paths.name) is there already: \(place); to go on with it, start its command",
            status: Complaint.no)
    }
}
