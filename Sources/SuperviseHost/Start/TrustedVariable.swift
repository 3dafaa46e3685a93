import SuperviseCore
import SuperviseFormats
import SuperviseSystem

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
