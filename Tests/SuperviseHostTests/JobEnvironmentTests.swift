import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import Testing

@testable import SuperviseHost

/// What a job finds in its environment.
@Suite("Job environment")
struct JobEnvironmentTests {
    private func make(_ inherited: [(String, String)], resume: CheckpointSummary? = nil) -> [String]
    {
        JobEnvironment(inherited: inherited, name: "it", socket: "/run/s")
            .entries(for: .init(attempt: 3, token: "t0k3n", resume: resume))
    }

    private let own = [
        "SUPERVISE_SOCKET=/run/s", "SUPERVISE_NAME=it", "SUPERVISE_ATTEMPT=3",
        "SUPERVISE_TOKEN=t0k3n",
    ]

    @Test("ours stays in its order, with whatever is in the values, and the job's own follows")
    func oursStays() {
        let given = [("PATH", "/bin"), ("A", "b=c d"), ("EMPTY", ""), ("LISTEN_ADDRESS", "::1")]
        #expect(
            make(given) == ["PATH=/bin", "A=b=c d", "EMPTY=", "LISTEN_ADDRESS=::1"] + own)
    }

    @Test("why the attempt before failed is in it, whatever an outer supervisor said")
    func lastFailure() {
        let environment = JobEnvironment(
            inherited: [("SUPERVISE_LAST_FAILURE", "hang")], name: "it", socket: "/run/s")
        let order = Action.SpawnOrder(attempt: 3, token: "t0k3n", resume: nil)
        #expect(environment.entries(for: order) == own)
        let failed = Action.SpawnOrder(
            attempt: 3, token: "t0k3n", resume: nil, lastFailure: .oom)
        #expect(environment.entries(for: failed) == own + ["SUPERVISE_LAST_FAILURE=oom"])
    }

    @Test("a job that may write where the runs are finds its own there, wherever ours was to be")
    func stateDirectory() {
        let environment = JobEnvironment(
            inherited: [("SUPERVISE_STATE_DIR", "relative")], name: "it", socket: "/run/s",
            stateDirectory: "/state")
        let variables = environment.entries(for: .init(attempt: 3, token: "t0k3n", resume: nil))
        #expect(
            variables.filter { $0.hasPrefix("SUPERVISE_STATE_DIR=") } == [
                "SUPERVISE_STATE_DIR=/state"
            ])
    }

    @Test("our options and what our service manager told us are not the job's")
    func oursOnly() {
        let names = [
            "SUPERVISE_KEEP_LAST", "SUPERVISE_STATE_DIR", "SUPERVISE_SOCKET",
            "SUPERVISE_CHECKPOINT",
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
            "LISTEN_FDNAMES", "LISTEN_PIDFDID",
        ]
        #expect(make(names.map { ($0, "outer") }) == own)
        #expect(JobEnvironment.ofHelper(inherited: names.map { ($0, "outer") }) == [])
    }

    @Test(
        "what is given goes over what is inherited and over who the job is, the later over the first"
    )
    func givenGoesFirst() {
        let identity = UserIdentity(
            user: 1, group: 1, name: "ada", home: "/home/ada", shell: "/bin/zsh")
        let environment = JobEnvironment(
            inherited: [
                ("HOME", "/root"), ("A", "old"), ("XDG_RUNTIME_DIR", "/run/user/0"), ("A", "older"),
            ], identity: identity, given: ["A=1", "B=2=3", "A=", "SHELL=/bin/sh"], name: "it",
            socket: "/run/s")
        let variables = environment.entries(
            for: .init(attempt: 3, token: "t0k3n", resume: nil))
        #expect(
            variables == [
                "HOME=/home/ada", "A=", "USER=ada", "LOGNAME=ada", "SHELL=/bin/sh", "B=2=3",
            ] + own)
    }

    @Test("a job that speaks sd_notify finds us, unless it was given somebody else")
    func notices() {
        func make(_ given: [String]) -> [String] {
            JobEnvironment(
                inherited: [], given: given, name: "it", socket: "/run/s",
                notices: .init(socket: "/run/n", watchdog: .milliseconds(1500))
            ).entries(for: .init(attempt: 3, token: "t0k3n", resume: nil))
        }
        #expect(make([]) == ["NOTIFY_SOCKET=/run/n", "WATCHDOG_USEC=1500000"] + own)
        #expect(
            make(["NOTIFY_SOCKET=/mine"]) == ["NOTIFY_SOCKET=/mine", "WATCHDOG_USEC=1500000"] + own)
    }

    @Test("a checkpoint is told with its path, its id and its step, where it has one")
    func checkpointIsTold() {
        func summary(_ id: CheckpointID) -> CheckpointSummary {
            .init(
                id: id, created: .init(milliseconds: 0), bytes: 1, metrics: [:],
                path: "/c/data")
        }
        let withStep = make([], resume: summary(.init(sequence: 7, step: 42)))
        #expect(
            withStep == own + [
                "SUPERVISE_CHECKPOINT=/c/data", "SUPERVISE_CHECKPOINT_ID=000007-step-42",
                "SUPERVISE_CHECKPOINT_STEP=42",
            ])
        let without = make([], resume: summary(.init(sequence: 7, step: nil)))
        #expect(
            without == own + ["SUPERVISE_CHECKPOINT=/c/data", "SUPERVISE_CHECKPOINT_ID=000007"])
    }
}
