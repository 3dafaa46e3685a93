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

    /// - Throws: ``StartError`` that names the option, the file and its owner.
    func check(_ helpers: HelperPrograms, onHangUser: RunRequest.OnHangUser) throws(StartError) {
        if onHangUser == .supervisor {
            try check(helpers.onHang.map { .init(.onHang, program: $0) })
        }
        try check(helpers.preempt.map { .init(.preempt, program: $0) })
    }

    private func check(_ helper: StartError.Helper?) throws(StartError) {
        guard let helper else { return }
        let walk: PathWalk
        do throws(SystemError) {
            walk = try PathWalk.look(helper.program)
        } catch {
            throw StartError.unseenHelper(helper, error)
        }
        let trust = PlaceTrust(steps: walk.trustSteps)
        let groups = [identity.group] + identity.groups
        guard let weakness = trust.weakness(against: identity.user, groups: groups) else { return }
        throw StartError.weakHelper(helper, weakness)
    }
}
