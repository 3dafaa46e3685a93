import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import SuperviseText

/// The service manager of a user that has started us as one of its units.
struct UserManager {
    /// Its user.
    let user: UInt32
    private let files: any FileSystem

    /// - Returns: nil if we are no unit of a user.
    init?(
        in environment: [(String, String)], user: UInt32 = userId(), files: any FileSystem = Disk()
    ) {
        // It tells its units its pid; that of the system does not.
        guard ServicePlace.find(in: environment) != nil,
            environment.contains(where: { $0.0 == "MANAGERPID" && !$0.1.isEmpty })
        else { return nil }
        self.user = user
        self.files = files
    }

    /// How long it has for its own end, as the unit files of the system say.
    var time: UserManagerTime { UserManagerTime(unitFiles: unitFiles()) }

    /// Where systemd looks for units of the system, the last one first.
    private static let directories = [
        "/lib/systemd/system", "/usr/lib/systemd/system", "/usr/local/lib/systemd/system",
        "/run/systemd/system", "/etc/systemd/system",
    ]

    /// The unit's own file, then its drop-ins in order of their names: of two of one name that in the later
    /// directory counts.
    private func unitFiles() -> [String] {
        var main: String?
        var dropIns: [String: String] = [:]
        for directory in Self.directories {
            for unit in ["user@.service", "user@\(user).service"] {
                main = text("\(directory)/\(unit)") ?? main
                let folder = "\(directory)/\(unit).d"
                for entry in (try? files.list(folder)) ?? [] where entry.name.hasSuffix(".conf") {
                    dropIns[entry.name] = text("\(folder)/\(entry.name)")
                }
            }
        }
        return [main].compactMap { $0 } + dropIns.sorted { $0.key < $1.key }.map(\.value)
    }

    private func text(_ path: String) -> String? {
        try? readSmallFile(path)
    }

    /// What there is to say at a start; nil if the end of the run has the time that it may take.
    func line(_ settings: Settings) -> String? {
        let time = time
        guard let allowed = time.allowed, let needed = time.shortfall(of: settings) else {
            return nil
        }
        let minutes = Int((needed.seconds / 60).rounded(.up)) + 1
        return
            "this is a unit of a user: at a reboot, and after the last logout, user@.service has "
            + "\(HumanText.limit(allowed.seconds)) for all of the user's units, and the end of this run "
            + "may take \(HumanText.limit(needed.seconds)) (\(OptionName.checkpointTimeout), "
            + "\(OptionName.stopTimeout)); its "
            + "final checkpoint may be lost then, unless root gives it the time: systemctl edit "
            + "user@.service, with [Service] and TimeoutStopSec=\(minutes)min"
    }
}
