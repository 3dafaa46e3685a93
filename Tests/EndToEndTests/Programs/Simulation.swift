import SuperviseSystem
import TestSupport
import Testing

/// A program of molecular dynamics that writes its own files and has never heard of `supervise`.
struct Simulation: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// The supervised command, and the check that its program is there.
    let command: [String]
    /// Names each of the files to go on from.
    let watch: String
    let resumeArguments: String
    let results: [String]
    /// So many bytes of each result are the same whether it was disturbed or not.
    let sameBytes: Int
    /// Files that are there before it begins, by name.
    let inputs: [String: String]
    /// A line of shell that makes what else it needs.
    let preparation: String
    /// On SIGTERM it saves into this file, and then ends.
    let savedAtStop: String?

    var isThere: Bool { Self.isThere(command[0]) }

    static func isThere(_ program: String) -> Bool {
        (environmentVariable("PATH") ?? "/usr/bin").split(separator: ":").contains {
            pathExists("\($0)/\(program)")
        }
    }

    func prepare(_ place: Place) throws {
        for (name, text) in inputs { try place.directory.write(name, text) }
        let program = try place.start(["sh", "-ec", preparation])
        guard try program.waitForEnd() == .exited(0) else { throw program.failure("no input") }
    }
}

extension Simulation {
    /// Each file of its own state is renamed to `md_prev.cpt` before the next one gets its name.
    static let gromacs = Simulation(
        testDescription: "GROMACS",
        command: [
            "gmx", "-quiet", "mdrun", "-s", "md.tpr", "-deffnm", "md", "-cpt", "0.005", "-reprod",
            "-ntmpi", "1", "-ntomp", "1", "-nb", "cpu",
        ],
        watch: "md*.cpt", resumeArguments: "-cpi {checkpoint}",
        results: ["md.trr", "md.gro", "md.edr"], sameBytes: .max,
        inputs: [
            "topol.top": """
            #include "oplsaa.ff/forcefield.itp"
            #include "oplsaa.ff/spce.itp"
            [ system ]
            water
            [ molecules ]
            SOL 216

            """,
            "md.mdp": """
            integrator = md
            dt = 0.002
            nsteps = 10000
            nstxout = 2500
            nstvout = 2500
            nstlog = 2500
            nstenergy = 2500
            cutoff-scheme = Verlet
            coulombtype = PME
            rcoulomb = 0.8
            rvdw = 0.8
            tcoupl = v-rescale
            tc-grps = system
            tau-t = 0.1
            ref-t = 300
            gen-vel = yes
            gen-seed = 7
            ld-seed = 7

            """,
        ],
        preparation: """
            gmx -quiet grompp -f md.mdp -c /usr/share/gromacs/top/spc216.gro -p topol.top -o md.tpr \\
                -maxwarn 3 > grompp.log 2>&1
            """,
        savedAtStop: "md.cpt")

    /// Files with the step in their names, or two that take turns.
    static let lammps = [
        lammps("LAMMPS", names: "melt.*.restart", watch: "melt.*.restart"),
        lammps("LAMMPS with two files that take turns", names: "melt.a melt.b", watch: "melt.[ab]"),
    ]

    /// The number of steps and of atoms are the same. Velocities are not: after a restart it sums up
    /// forces in another order.
    private static func lammps(_ name: String, names: String, watch: String) -> Simulation {
        let input = """
            if "$(is_defined(variable,restart))" then "read_restart ${restart}" "jump SELF go"
            units lj
            atom_style atomic
            lattice fcc 0.8442
            region box block 0 7 0 7 0 7
            create_box 1 box
            create_atoms 1 box
            mass 1 1.0
            velocity all create 3.0 87287
            label go
            pair_style lj/cut 2.5
            pair_coeff 1 1 1.0 1.0 2.5
            neighbor 0.3 bin
            neigh_modify every 20 delay 0 check no
            fix 1 all nve
            thermo 500
            restart 250 \(names)
            run 6000 upto
            write_dump all custom last.dump id x y z vx vy vz modify sort id format float %.17g

            """
        return Simulation(
            testDescription: name, command: ["lmp", "-in", "in.melt"], watch: watch,
            resumeArguments: "-var restart {checkpoint}", results: ["last.dump"], sameBytes: 47,
            inputs: ["in.melt": input], preparation: "", savedAtStop: nil)
    }
}
