import SuperviseFormats
import SuperviseSystem
import SuperviseText

/// The credentials of our unit (`LoadCredential=`, systemd.exec(5)), which systemd shows to us alone.
struct UnitCredentials {
    /// Where they are: `CREDENTIALS_DIRECTORY`.
    let directory: String

    /// - Returns: nil if there are none.
    init?(_ directory: String? = environmentVariable("CREDENTIALS_DIRECTORY")) {
        guard let directory, !directory.isEmpty else { return nil }
        self.directory = directory
    }

    /// What there is to say if the job is another user that cannot read them, and is given no others.
    func line(job: UserIdentity, environment: [String]) -> String? {
        if environment.contains(where: { $0.hasPrefix("CREDENTIALS_DIRECTORY=") }) { return nil }
        guard let owner = try? Ownership.of(directory), owner.user != job.user,
            owner.mode & 0o001 == 0
        else { return nil }
        return
            "the unit's credentials in \(HumanText.printable(directory)) are root's, and the job's user "
            + "cannot read them; give it copies, and their directory as CREDENTIALS_DIRECTORY in "
            + "\"env\" (docs/SYSTEMD.md, Credentials of a job)"
    }
}
