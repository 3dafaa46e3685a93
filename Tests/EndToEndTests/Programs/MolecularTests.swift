import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Debian's packages of real programs, killed and interrupted.
@Suite("A simulation that writes its own files", .onStage)
struct MolecularTests {
    private static let gromacs = "gmx"
    private static let lammps = "lmp"

    @Test(
        "GROMACS has the same results bit for bit, killed and interrupted",
        .enabled(if: Simulation.isThere(gromacs), "GROMACS is not installed"))
    func bitForBit() throws { try disturb(.gromacs) }

    @Test(
        "LAMMPS makes all steps with all atoms, killed and interrupted",
        .enabled(if: Simulation.isThere(lammps), "LAMMPS is not installed"),
        arguments: Simulation.lammps)
    func atoms(simulation: Simulation) throws { try disturb(simulation) }

    private func disturb(_ simulation: Simulation) throws {
        let expected = try undisturbed(simulation)
        let place = try Place()
        try simulation.prepare(place)
        let program = try start(simulation, place)
        try waitForCommits(2, place, program)
        try ProcessHandle(opening: try jobPID(place)).signal(9)
        try waitForCommits(try place.record().commits + 2, place, program)
        try program.signal(15)
        guard try program.waitForEnd() == .signaled(15) else {
            throw program.failure("it has ended by itself")
        }
        let taken = try digests(place)
        #expect(Set(taken).count == taken.count, "no content is taken twice: \(taken)")
        if let saved = simulation.savedAtStop {
            let newest = try #require(try place.status().checkpoint)
            let content = try Disk().readFile(newest.path, limit: 1 << 24)
            let last = try Disk().readFile("\(place.path)/\(saved)", limit: 1 << 24)
            #expect(content == last, "the newest checkpoint is what was saved at SIGTERM")
        }
        let again = try start(simulation, place)
        guard try again.waitForEnd() == .exited(0) else { throw again.failure("not completed") }
        #expect(again.text(.errors).contains("resuming from"))
        #expect(try results(simulation, place) == expected)
        for id in place.checkpoints { #expect(try place.isWhole(id)) }
    }

    private func start(_ simulation: Simulation, _ place: Place) throws -> Program {
        let options = ["--watch", simulation.watch, "--resume-args", simulation.resumeArguments]
        return try place.supervise(options + ["--keep-last", "100"], simulation.command)
    }

    private func undisturbed(_ simulation: Simulation) throws -> [[UInt8]] {
        let place = try Place()
        try simulation.prepare(place)
        let program = try place.start(simulation.command)
        guard try program.waitForEnd() == .exited(0) else { throw program.failure("alone") }
        return try results(simulation, place)
    }

    private func results(_ simulation: Simulation, _ place: Place) throws -> [[UInt8]] {
        try simulation.results.map { name in
            let bytes = try Disk().readFile("\(place.path)/\(name)", limit: 1 << 26)
            return Array(bytes.prefix(simulation.sameBytes))
        }
    }

    private func waitForCommits(_ count: Int, _ place: Place, _ program: Program) throws {
        try waitBriefly { pathExists(place.file("run.json")) }
        try waitForChange(in: place.file("")) { try place.record().commits >= count }
    }

    private func jobPID(_ place: Place) throws -> Int32 {
        try waitForChange(in: place.file("")) { try place.status().jobPID != nil }
        return Int32(try #require(try place.status().jobPID))
    }

    /// Of the payload of each checkpoint, as its SHA256SUMS has them.
    private func digests(_ place: Place) throws -> [Substring] {
        try place.checkpoints.map { id in
            let sums = try place.directory.read("state/it/checkpoints/\(id)/SHA256SUMS")
            let line = sums.split(separator: "\n").first { $0.contains(" data/") }
            return try #require(line).prefix(64)
        }
    }
}
