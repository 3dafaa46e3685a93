import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import Testing

@testable import supervise

/// One option of `run`, with what it does to the request.
struct RunOption: Sendable, CustomTestStringConvertible {
    let name: String
    let show: @Sendable (RunRequest) -> String
    /// What is shown where the option is not given.
    let standard: String
    /// Two values as they are written and as they are shown, neither being the default.
    let values: [(text: String, shown: String)]
    /// A value that it does not take.
    let bad: String
    let accepts: String

    var testDescription: String { name }

    init(
        _ name: String, standard: String, _ first: (String, String), _ second: (String, String),
        bad: String, accepts: String, _ show: @escaping @Sendable (RunRequest) -> String
    ) {
        self.name = name
        self.standard = standard
        values = [first, second]
        self.bad = bad
        self.accepts = accepts
        self.show = show
    }
}

private let duration = "a duration (500ms, 10s, 5m, 1h30m, 1d)"

private let runOptions = [
    RunOption(
        "name", standard: "nil", ("train", "train"), ("_a.B-9", "_a.B-9"), bad: "a/b",
        accepts: "1 to 64 letters, digits and . _ -, the first a letter, a digit or _"
    ) { $0.name.map(\.description) ?? "nil" },
    RunOption(
        "state-dir", standard: "/home/ada/.local/state/supervise", ("/state", "/state"),
        ("state/./a//", "/work/state/a"), bad: "", accepts: "the path of a directory"
    ) { $0.stateDirectory },
    RunOption(
        "checkpoint-dir", standard: "nil", ("/ck", "/ck"), ("~/ck", "/home/ada/ck"), bad: "",
        accepts: "the path of a directory"
    ) { $0.checkpointDirectory ?? "nil" },
    RunOption(
        "chdir", standard: "/work", ("sub/./a", "/work/sub/a"), ("~/a", "/home/ada/a"), bad: "",
        accepts: "the path of a directory"
    ) { $0.directory },
    RunOption(
        "env", standard: "[]", ("A=", #"["A="]"#), ("B_=1=2 x", #"["B_=1=2 x"]"#),
        bad: "=1",
        accepts: "a variable of the environment as NAME=VALUE (names in SUPERVISE_ are taken)"
    ) { "\($0.job.environment)" },
    RunOption(
        "umask", standard: "nil", ("022", "18"), ("0777", "511"), bad: "1777",
        accepts: "up to four octal digits, such as 022"
    ) { $0.job.process.mask.map { "\($0)" } ?? "nil" },
    RunOption(
        "nice", standard: "nil", ("19", "19"), ("-20", "-20"), bad: "-21",
        accepts: "a whole number from -20 to 19"
    ) { $0.job.process.niceness.map { "\($0)" } ?? "nil" },
    RunOption(
        "rlimit", standard: "", ("nofile=64", "nofile 64 64"),
        ("RLIMIT_AS=1kB:unlimited", "as 1000 \(UInt64.max)"),
        bad: "nofile=1kB",
        accepts: "a limit such as nofile=4096, as=8GiB or core=0:unlimited, the soft one not above "
            + "the hard one, and sizes with their unit (cpu, fsize, data, stack, core, rss, nproc, nofile, memlock, as, "
            + "locks, sigpending, msgqueue, nice, rtprio, rttime)"
    ) {
        $0.job.process.limits.map { "\($0.resource.name) \($0.soft) \($0.hard)" }
            .joined(separator: ", ")
    },
    RunOption(
        "keep-env", standard: "", ("CUDA_HOME,OMP_NUM_THREADS", "CUDA_HOME OMP_NUM_THREADS"),
        ("_a9", "_a9"), bad: "A,,B",
        accepts: "names of variables of the environment, such as CUDA_HOME,OMP_NUM_THREADS "
            + "(names in SUPERVISE_ are taken)"
    ) { $0.keptVariables.joined(separator: " ") },
    RunOption(
        "user", standard: "nil", ("ada", "ada nil"), ("1000:100", "1000 100"), bad: "a:b:c",
        accepts: "a user and perhaps a group, each a name or a number, such as www-data or 1000:100"
    ) { $0.job.user.map { "\($0.user) \($0.group ?? "nil")" } ?? "nil" },
    RunOption(
        "fresh", standard: "false", ("true", "true"), ("yes", "true"), bad: "maybe",
        accepts: "true or false"
    ) { "\($0.fresh)" },
    RunOption(
        "adopt", standard: "false", ("true", "true"), ("yes", "true"), bad: "maybe",
        accepts: "true or false"
    ) { "\($0.adopt)" },
    RunOption(
        "resume-from", standard: "newest", ("000013-step-4520", "000013-step-4520"),
        ("none", "none"), bad: "13",
        accepts: "a checkpoint's id, such as 000013-step-4520, or none"
    ) {
        switch $0.settings.resumeFrom {
        case .newest: "newest"
        case .beginning: "none"
        case .checkpoint(let id): "\(id)"
        }
    },
    RunOption(
        "when-completed", standard: "again", ("exit", "exit"), ("exit", "exit"), bad: "never",
        accepts: "again or exit"
    ) { $0.whenCompleted.rawValue },
    RunOption(
        "require-state", standard: "false", ("true", "true"), ("1", "true"), bad: "maybe",
        accepts: "true or false"
    ) { "\($0.requiresState)" },
    RunOption(
        "checkpoint-every", standard: "auto", ("2s", "every(2.0 seconds)"), ("off", "off"),
        bad: "0s", accepts: "\(duration) of more than 0s, auto, or off"
    ) { "\($0.settings.checkpointEvery)" },
    RunOption(
        "checkpoint-timeout", standard: "60.0 seconds", ("2m", "120.0 seconds"),
        ("500ms", "0.5 seconds"), bad: "0s", accepts: "\(duration) of more than 0s"
    ) { "\($0.settings.checkpointTimeout)" },
    RunOption(
        "checkpoint-signal", standard: "10", ("SIGUSR2", "12"), ("none", "nil"), bad: "SIGTERM",
        accepts: "a signal that means nothing else here (SIGUSR1, SIGUSR2, SIGQUIT, …), or none"
    ) { $0.checkpointSignal.map { "\($0)" } ?? "nil" },
    RunOption(
        "watch", standard: "", ("out/*.pt", "out/*.pt"), ("/a/[0-9]", "/a/[0-9]"), bad: "out/",
        accepts: "a pattern of paths, such as 'out/*/ckpt-*.pt', with {step} at most once"
    ) { $0.settings.watch.map(\.text).joined(separator: " ") },
    RunOption(
        "watch-settle", standard: "2.0 seconds", ("0s", "0.0 seconds"), ("5m", "300.0 seconds"),
        bad: "5", accepts: "a duration (500ms, 10s, 5m, 1h30m, 1d)"
    ) { "\($0.settings.watchSettle)" },
    RunOption(
        "watch-complete", standard: "", ("_SUCCESS", "_SUCCESS"), ("*/.metadata", "*/.metadata"),
        bad: "../a", accepts: "a pattern of paths in a directory, such as _SUCCESS or '*/.metadata'"
    ) { $0.settings.watchComplete.map(\.text).joined(separator: " ") },
    RunOption(
        "watch-mode", standard: "copy", ("move", "move"), ("reference", "reference"), bad: "link",
        accepts: "copy or move or own or reference"
    ) { $0.settings.watchMode.rawValue },
    RunOption(
        "request-signal", standard: "nil", ("USR1", "10 SIGUSR1"), ("SIGUSR2", "12 SIGUSR2"),
        bad: "KILL",
        accepts: "a signal that means nothing else here (SIGUSR1, SIGUSR2, SIGQUIT, …)"
    ) { $0.settings.requestSignal.map { "\($0.number) \($0.name)" } ?? "nil" },
    RunOption(
        "resume-args", standard: "nil", ("--from {id}", "[\"--from\", \"{id}\"]"),
        ("'a b'", "[\"a b\"]"), bad: "'a",
        accepts: "words, with quotes in pairs, such as "
            + "'--resume {checkpoint}'"
    ) { $0.resumeArguments.map { "\($0.templates)" } ?? "nil" },
    RunOption(
        "heartbeat-timeout", standard: "nil", ("2m", "120.0 seconds"), ("off", "nil"), bad: "0s",
        accepts: "\(duration) of more than 0s, or off"
    ) { $0.settings.heartbeatTimeout.map { "\($0)" } ?? "nil" },
    RunOption(
        "progress-timeout", standard: "nil", ("2h", "7200.0 seconds"), ("off", "nil"), bad: "-1s",
        accepts: "\(duration) of more than 0s, or off"
    ) { $0.settings.progressTimeout.map { "\($0)" } ?? "nil" },
    RunOption(
        "on-hang", standard: "nil", ("py-spy dump --pid {pid}", "[py-spy][dump][--pid][{pid}]"),
        ("sh -c 'gdb -p {pid}'", "[sh][-c][gdb -p {pid}]"), bad: "'a",
        accepts: "a command with quotes in pairs, such as 'py-spy dump --pid {pid}'"
    ) { $0.settings.onHang.map { $0.templates.map { "[\($0)]" }.joined() } ?? "nil" },
    RunOption(
        "on-hang-user", standard: "supervisor", ("job", "job"), ("supervisor", "supervisor"),
        bad: "root", accepts: "supervisor or job"
    ) { $0.onHangUser.rawValue },
    RunOption(
        "on-hang-timeout", standard: "30.0 seconds", ("2m", "120.0 seconds"),
        ("500ms", "0.5 seconds"), bad: "0s", accepts: "\(duration) of more than 0s"
    ) { "\($0.settings.onHangTimeout)" },
    RunOption(
        "keep-last", standard: "5", ("1", "1"), ("12", "12"), bad: "0",
        accepts: "a whole number from 1 to 999999999"
    ) { "\($0.settings.retention.keepLast)" },
    RunOption(
        "keep-best", standard: "nil", ("3:loss:min", "3 loss min"), ("1:a:b:max", "1 a:b max"),
        bad: "3:loss", accepts: "a count, a metric and min or max, as in 3:loss:min"
    ) {
        $0.settings.retention.keepBest.map { "\($0.count) \($0.metric) \($0.goal)" } ?? "nil"
    },
    RunOption(
        "keep-every", standard: "nil", ("1000", "1000"), ("1", "1"), bad: "0",
        accepts: "a whole number from 1 to 999999999"
    ) { $0.settings.retention.keepEvery.map { "\($0)" } ?? "nil" },
    RunOption(
        "keep-archived", standard: "3", ("0", "0"), ("12", "12"), bad: "-1",
        accepts: "a whole number from 0 to 999999999"
    ) { "\($0.settings.keepArchived)" },
    RunOption(
        "keep-hourly", standard: "nil", ("24", "24"), ("1", "1"), bad: "1h",
        accepts: "a whole number from 1 to 999999999"
    ) { $0.settings.retention.keepHourly.map { "\($0)" } ?? "nil" },
    RunOption(
        "keep-daily", standard: "nil", ("7", "7"), ("1", "1"), bad: "-1",
        accepts: "a whole number from 1 to 999999999"
    ) { $0.settings.retention.keepDaily.map { "\($0)" } ?? "nil" },
    RunOption(
        "keep-weekly", standard: "nil", ("52", "52"), ("1", "1"), bad: "all",
        accepts: "a whole number from 1 to 999999999"
    ) { $0.settings.retention.keepWeekly.map { "\($0)" } ?? "nil" },
    RunOption(
        "max-age", standard: "nil", ("30d", "2592000.0 seconds"), ("1h", "3600.0 seconds"),
        bad: "0s", accepts: "\(duration) of more than 0s"
    ) { $0.settings.retention.maxAge.map { "\($0)" } ?? "nil" },
    RunOption(
        "max-bytes", standard: "nil", ("5GiB", "5368709120"), ("10MB", "10000000"),
        bad: "5000000000",
        accepts: "a size of more than nothing with its unit, such as 500kB, 10MB or 5GiB"
    ) { $0.settings.retention.maxBytes.map { "\($0)" } ?? "nil" },
    RunOption(
        "compress", standard: "nil", ("zstd", "zstd"), ("gzip", "gzip"), bad: "xz",
        accepts: "zstd, gzip or off"
    ) { $0.settings.compression?.rawValue ?? "nil" },
    RunOption(
        "verify", standard: "digest", ("size", "size"), ("none", "none"), bad: "md5",
        accepts: "digest or size or none"
    ) { $0.settings.verify.rawValue },
    RunOption(
        "restart", standard: "on-failure", ("always", "always"), ("never", "never"), bad: "1s",
        accepts: "on-failure or always or never"
    ) { $0.settings.restart.rawValue },
    RunOption(
        "fatal-exit-codes", standard: "[]", ("2,64-66", "[2, 64, 65, 66]"), ("255", "[255]"),
        bad: "0", accepts: "exit statuses from 1 to 255, such as 2,64-78"
    ) { "\($0.settings.fatalExitCodes.sorted())" },
    RunOption(
        "max-failures", standard: "5", ("1", "1"), ("999999999", "999999999"), bad: "-1",
        accepts: "a whole number from 1 to 999999999"
    ) { "\($0.settings.maxFailures)" },
    RunOption(
        "healthy-after", standard: "600.0 seconds", ("90s", "90.0 seconds"),
        ("2h", "7200.0 seconds"), bad: "0s",
        accepts: "a duration (500ms, 10s, 5m, 1h30m, 1d) of more than 0s"
    ) { "\($0.settings.healthyAfter)" },
    RunOption(
        "gave-up-exit-code", standard: "nil", ("1", "Optional(1)"), ("255", "Optional(255)"),
        bad: "0", accepts: "a whole number from 1 to 255"
    ) { "\($0.settings.gaveUpExitCode as Any)" },
    RunOption(
        "rollback-after", standard: "2", ("1", "1"), ("3", "3"), bad: "2.5",
        accepts: "a whole number from 1 to 999999999"
    ) { "\($0.settings.rollbackAfter)" },
    RunOption(
        "backoff", standard: "1.0 seconds...60.0 seconds",
        ("0ms..0ms", "0.0 seconds...0.0 seconds"), ("2s..1m", "2.0 seconds...60.0 seconds"),
        bad: "60s..1s", accepts: "two durations, the longer one last, such as 1s..60s"
    ) { "\($0.settings.backoff)" },
    RunOption(
        "stop-timeout", standard: "10.0 seconds", ("0s", "0.0 seconds"), ("1h", "3600.0 seconds"),
        bad: "10", accepts: duration
    ) { "\($0.settings.stopTimeout)" },
    RunOption(
        "output", standard: "auto", ("pass", "pass"), ("inherit", "inherit"), bad: "none",
        accepts: "auto or pass or inherit or keep"
    ) { $0.output.rawValue },
    RunOption(
        "capture", standard: "nil", ("true", "64000000"), ("yes", "64000000"), bad: "maybe",
        accepts: "true or false"
    ) { $0.capture.map { "\($0)" } ?? "nil" },
    RunOption(
        "capture-max", standard: "64MB", ("1MB", "1MB"), ("64KiB", "64KiB"), bad: "65535B",
        accepts: "a size of 64KiB or more with its unit, such as 10MB"
    ) { $0.options["capture-max"] ?? "64MB" },
    RunOption(
        "tty", standard: "false", ("true", "true"), ("1", "true"), bad: "maybe",
        accepts: "true or false"
    ) { "\($0.tty)" },
    RunOption(
        "pass-listen", standard: "false", ("true", "true"), ("1", "true"), bad: "maybe",
        accepts: "true or false"
    ) { "\($0.passesSockets)" },
    RunOption(
        "preempt", standard: "nil",
        ("aws", #"aws(base: "http://169.254.169.254")"#), ("exec:a 'b c'", #"["a", "b c"]"#),
        bad: "exec:'", accepts: "aws, gcp, azure, or exec: and a command with quotes in pairs"
    ) { request in
        switch request.settings.preempt {
        case .program(let words): "\(words.templates)"
        case let source: source.map { "\($0)" } ?? "nil"
        }
    },
    RunOption(
        "preempt-signal", standard: "12", ("SIGQUIT", "3"), ("none", "nil"), bad: "SIGTERM",
        accepts: "a signal that means nothing else here (SIGUSR1, SIGUSR2, SIGQUIT, …), or none"
    ) { $0.preemptSignal.map { "\($0)" } ?? "nil" },
    RunOption(
        "preempt-grace", standard: "30.0 seconds 60.0 seconds",
        ("2m", "120.0 seconds 120.0 seconds"),
        ("maintenance=1h,preempted=500ms", "0.5 seconds 3600.0 seconds"), bad: "reboot=1h",
        accepts: "a duration of more than 0s (500ms, 10s, 5m, 1h30m, 1d), or one for each kind, "
            + "as in maintenance=1h,preempted=30s"
    ) { "\($0.settings.preemptGrace) \($0.settings.maintenanceGrace)" },
    RunOption(
        "preempt-ack", standard: "false", ("true", "true"), ("1", "true"), bad: "2",
        accepts: "true or false"
    ) { "\($0.settings.preemptAcknowledges)" },
    RunOption(
        "preempted-exit-code", standard: "75", ("0", "0"), ("255", "255"), bad: "256",
        accepts: "a whole number from 0 to 255"
    ) { "\($0.preemptedExitCode)" },
    RunOption(
        "quiet", standard: "normal", ("true", "quiet"), ("on", "quiet"), bad: "2",
        accepts: "true or false"
    ) { "\($0.verbosity)" },
    RunOption(
        "verbose", standard: "normal", ("true", "verbose"), ("1", "verbose"), bad: "2",
        accepts: "true or false"
    ) { "\($0.verbosity)" },
    RunOption(
        "log-format", standard: "text", ("json", "json"), ("json", "json"), bad: "xml",
        accepts: "text or json"
    ) { $0.logFormat.rawValue },
]

@Suite("--preempt-grace")
struct PreemptGraceTests {
    @Test(
        "takes a duration for each kind, once, and nothing else",
        arguments: [
            "", "maintenance", "maintenance=", "=1h", "maintenance=0s", "reboot=1h",
            "maintenance=1h,", "maintenance=1h,maintenance=2h", "1h,preempted=30s",
            "maintenance=1h=2",
        ])
    func refused(text: String) {
        #expect(PreemptGraces(text) == nil)
    }

    @Test("a kind that is not named keeps its default")
    func partly() {
        var settings = Settings()
        PreemptGraces("maintenance=1h")?.apply(to: &settings)
        #expect(settings.preemptGrace == .seconds(30))
        #expect(settings.maintenanceGrace == .seconds(3600))
        PreemptGraces("45s")?.apply(to: &settings)
        #expect(settings.preemptGrace == .seconds(45) && settings.maintenanceGrace == .seconds(45))
    }
}

@Suite("every option of run")
struct RunOptionsTests {
    private func variable(_ option: RunOption) -> String {
        "SUPERVISE_" + option.name.uppercased().map { $0 == "-" ? "_" : "\($0)" }.joined()
    }

    private static let lasting = runOptions.filter { option in
        OptionTable.all.first { $0.name == option.name }?.isForOneStart == false
    }

    private static let forOneStart = runOptions.filter { option in
        OptionTable.all.first { $0.name == option.name }?.isForOneStart == true
    }

    @Test("that holds for one start is refused in the environment and in a configuration")
    func oneStart() throws {
        #expect(Self.forOneStart.map(\.name).sorted() == ["adopt", "fresh", "resume-from"])
        for option in Self.forOneStart {
            let end =
                "holds for one start, and here it would hold for every one: give --\(option.name) "
                + "on the command line, that once"
            for (text, _) in option.values + [("false", "")] {
                #expect(
                    complaint(["--", "true"], place([variable(option): text]))
                        == Complaint("\(variable(option)) (environment) \(end)", status: 125))
                #expect(
                    complaint(["--config", "c.json", "--", "true"], configured(option, text))
                        == Complaint("/work/c.json:1: \"\(option.name)\" \(end)", status: 125))
            }
            // An empty variable counts as none.
            #expect(complaint(["--", "true"], place([variable(option): ""])) == nil)
            let given = try request(["--\(option.name)=\(option.values[0].text)", "--", "true"])
            #expect(given.options[option.name] == nil, "it is not recorded")
        }
    }

    private func configured(
        _ option: RunOption, _ text: String, _ environment: [String: String] = [:]
    ) -> Surroundings {
        place(environment, files: ["/work/c.json": #"{"\#(option.name)": "\#(text)"}"#])
    }

    @Test("is in the table of these tests")
    func isTested() {
        let names = OptionTable.options(of: .run).map(\.name).filter { $0 != "config" }
        #expect(names.sorted() == runOptions.map(\.name).sorted())
    }

    @Test("has its default where it is not given", arguments: runOptions)
    func standard(option: RunOption) throws {
        #expect(option.show(try request(["--", "true"])) == option.standard)
    }

    @Test("writes as its default what holds without it", arguments: runOptions)
    func writtenStandard(option: RunOption) throws {
        guard let spec = OptionTable.all.first(where: { $0.name == option.name }),
            let standard = spec.standard
        else { return }
        let request = try request(["--\(option.name)", standard, "--", "true"])
        #expect(option.show(request) == option.standard)
    }

    @Test("is read from the command line in both forms", arguments: runOptions)
    func commandLine(option: RunOption) throws {
        for (text, shown) in option.values {
            let joined = try request(["--\(option.name)=\(text)", "--", "true"])
            #expect(option.show(joined) == shown)
            if OptionTable.all.first(where: { $0.name == option.name })?.isFlag == true { continue }
            let separate = try request(["run", "--\(option.name)", text, "--", "true"])
            #expect(option.show(separate) == shown)
        }
    }

    @Test("is read from the environment, all but the name", arguments: lasting)
    func environment(option: RunOption) throws {
        for (text, shown) in option.values {
            let request = try request(["--", "true"], place([variable(option): text]))
            #expect(option.show(request) == (option.name == "name" ? option.standard : shown))
        }
    }

    @Test("is read from a configuration file", arguments: lasting)
    func file(option: RunOption) throws {
        for (text, shown) in option.values {
            let surroundings = configured(option, text)
            let request = try request(["--config", "c.json", "--", "true"], surroundings)
            #expect(option.show(request) == shown)
        }
    }

    @Test("holds from the environment rather than from a file", arguments: lasting)
    func environmentOverFile(option: RunOption) throws {
        guard option.name != "name" else { return }
        let surroundings = configured(
            option, option.values[0].text,
            [variable(option): option.values[1].text, "SUPERVISE_CONFIG": "c.json"])
        #expect(option.show(try request(["--", "true"], surroundings)) == option.values[1].shown)
    }

    @Test("holds from the command line rather than from anywhere else", arguments: lasting)
    func commandLineOverAll(option: RunOption) throws {
        let other = option.values[0].text
        let surroundings = configured(option, other, [variable(option): other])
        let request = try request(
            ["--config=c.json", "--\(option.name)=\(option.values[1].text)", "--", "true"],
            surroundings)
        #expect(option.show(request) == option.values[1].shown)
    }

    @Test("refuses a bad value and says where it came from", arguments: runOptions)
    func badValue(option: RunOption) {
        let end = " takes \(option.accepts), not \"\(option.bad)\""
        #expect(
            complaint(["--\(option.name)=\(option.bad)", "--", "true"])
                == Complaint("--\(option.name)\(end)", status: 125))
        guard Self.lasting.contains(where: { $0.name == option.name }) else { return }
        #expect(
            complaint(["--config", "c.json", "--", "true"], configured(option, option.bad))
                == Complaint("/work/c.json:1: \"\(option.name)\"\(end)", status: 125))
        // An empty variable is none.
        guard option.name != "name", !option.bad.isEmpty else { return }
        #expect(
            complaint(["--", "true"], place([variable(option): option.bad]))
                == Complaint("\(variable(option)) (environment)\(end)", status: 125))
    }
}
