import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Looks at where a run keeps its state and checkpoints: whether another user could put something else
/// there.
package struct PlaceCheck {
    /// Who the job is, where that is not who we are.
    package let identity: UserIdentity?

    package init(identity: UserIdentity?) { self.identity = identity }

    /// - Returns: what there is to warn of.
    /// - Throws: ``StartError`` that names the directory, its owner and what to do.
    package func perform(_ paths: RunPaths) throws(StartError) -> String? {
        var warning: String?
        for (path, option) in places(of: paths) {
            switch try verdict(on: path) {
            case .trusted: break
            case .warned(let weakness): warning = warning ?? PlaceText.warning(weakness)
            case .refused(let weakness):
                throw StartError.weakPlace(weakness, option: option)
            }
        }
        return warning
    }

    /// The directories that have to be made on the way to where the run is kept.
    static func missingDirectories(above paths: RunPaths) -> [String] {
        [paths.stateDirectory, paths.payloadRoot].flatMap { path in
            sequence(first: path) { $0 == "/" ? nil : parent(of: $0) }
                .prefix { !pathExists($0) }
        }
    }

    /// How the run's files are reached: with a job that is another user, from directories that are held
    /// open, whatever becomes of the names that led there.
    ///
    /// - Parameter allThere: both directories have been made, so that each must be held.
    func files(
        for paths: RunPaths, allThere: Bool = false
    ) throws(StartError) -> any FileSystem {
        guard identity != nil else { return Disk() }
        return try describing(.openState) {
            () throws(SystemError) in
            let roots = [paths.stateDirectory, paths.payloadRoot]
            return try allThere ? Disk().anchored(atAll: roots) : Disk().anchored(at: roots)
        }
    }

    private func places(of paths: RunPaths) -> [(path: String, option: String)] {
        // All of what is there already must be root's, too: it is used as it is.
        let state = identity == nil ? [paths.stateDirectory] : [paths.run, paths.locks]
        let payload = identity == nil ? paths.payloadRoot : paths.payload
        return state.map { ($0, "\(OptionName.stateDir)") }
            + (paths.isSplit ? [(payload, "\(OptionName.checkpointDir)")] : [])
    }

    private func verdict(on path: String) throws(StartError) -> PlaceTrust.Verdict {
        do throws(SystemError) {
            let trust = PlaceTrust(steps: try PathWalk.look(path).trustSteps)
            return trust.verdict(
                user: userId(), group: groupId(), jobIsAnother: identity != nil)
        } catch {
            // A directory that cannot be entered is reported when it is used.
            if identity == nil { return .trusted }
            throw StartError.unseenPlace(path, error)
        }
    }
}

extension PathWalk {
    package var trustSteps: [PlaceTrust.Step] {
        steps.map { step in
            let kind: PlaceTrust.Step.Kind =
                switch step.kind {
                case .directory: .directory
                case .link: .link
                case .file, .other: .other
                }
            return PlaceTrust.Step(
                path: step.path, kind: kind, user: step.user, group: step.group, mode: step.mode)
        }
    }
}

/// A variable of the environment that names a directory for sockets; nil where we are root and another
/// user may change what it leads to, as with the `XDG_RUNTIME_DIR` of who called `sudo`.
///
/// Root gives the socket in that directory to the job by its name.
func trustedVariable(_ name: String) -> String? {
    guard let value = environmentVariable(name), userId() == 0 else {
        return environmentVariable(name)
    }
    guard let first = value.split(separator: ":").first, FilePath(String(first)).isAbsolute
    else { return value }
    // A directory that cannot be looked at, as for want of descriptors, is not trusted.
    guard let walk = try? PathWalk.look(String(first)) else { return nil }
    let trust = PlaceTrust(steps: walk.trustSteps)
    let verdict = trust.verdict(user: 0, group: 0, jobIsAnother: false)
    return verdict == .trusted ? value : nil
}
