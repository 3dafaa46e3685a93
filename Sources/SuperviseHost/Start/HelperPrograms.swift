import SuperviseCore
import SuperviseSystem
import SuperviseText

/// Programs of the user's that work for the supervisor, looked for at the start: a later change of PATH
/// or of a directory in it has no part in which file is executed.
struct HelperPrograms: Sendable {
    /// That of `--on-hang`, an absolute path; nil where there is none, or it was not found.
    var onHang: String?
    /// That of `--preempt exec:`.
    var preempt: String?

    /// - Returns: nil where it is in no directory of PATH.
    static func find(_ words: ShellWords?) -> String? {
        guard let name = words?.templates.first else { return nil }
        return name.utf8.contains(UInt8(ascii: "/")) ? name : pathOfProgram(name)
    }
}

/// A program that runs as root must not be one that the job's user can change.
struct HelperTrust {
    let identity: UserIdentity

    /// - Throws: ``HostError`` that names the option, the file and its owner.
    func check(_ helpers: HelperPrograms, onHangUser: RunRequest.OnHangUser) throws(HostError) {
        if onHangUser == .supervisor {
            try check(
                helpers.onHang, of: "--on-hang",
                cure: "give a program of root's, or --on-hang-user job, which runs it as that user")
        }
        try check(helpers.preempt, of: "--preempt exec:", cure: "give a program of root's")
    }

    private func check(
        _ program: String?, of option: String, cure: String
    ) throws(HostError) {
        guard let program else { return }
        let walk: PathWalk
        do throws(SystemError) {
            walk = try PathWalk.look(program)
        } catch {
            throw HostError(
                "\(option) would run \(HumanText.printable(program)) as root, and whether the job "
                    + "could put another program there cannot be told: \(error); \(cure)")
        }
        let trust = PlaceTrust(steps: walk.trustSteps)
        let groups = [identity.group] + identity.groups
        guard let weakness = trust.weakness(against: identity.user, groups: groups) else { return }
        throw HostError(
            "\(option) would run \(HumanText.printable(program)) as root, and the job could put "
                + "another program there: \(PlaceText.what(weakness)); \(cure)")
    }
}
