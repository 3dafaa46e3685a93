/// State that has to be there, as on a disk of its own.
extension OptionTable {
    static let state = [
        OptionSpec(
            "require-state", .flag, of: [.run], .environment, in: { $0.requiresState = $1 },
            "Begin nothing where the run's directory is not there, as its disk may not be mounted: wait "
                + "for it up to 60 s, then end with status 125; supervise init makes it once"),
        OptionSpec(
            "mounted", .flag, of: [.initialise], .init(), in: { $0.mustBeMounted = $1 },
            "Only on a file system of its own: one that is mounted anywhere but on /"),
    ]
}
