import Testing

/// What goes wrong around a unit, and how it goes on from there.
@Suite(
    "The unit of systemd in trouble", .enabled(if: Machine.isPossible, Machine.whyNot), .onStage,
    .serialized)
struct UnitTroubleTests {
    @Test("goes on when the supervisor is killed, and nobody is left", arguments: Machine.versions)
    func killed(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits
            begin
            job=$(status "['job_pid']")
            systemctl kill -s KILL --kill-whom=main $UNIT
            await test ! -e /proc/$job
            await attempt 2
            is $(of NRestarts) 1
            completes
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test(
        "is killed by its watchdog when it no longer turns, and goes on",
        arguments: Machine.versions)
    func watchdog(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits
            dropin '[Service]' WatchdogSec=2s
            begin
            job=$(status "['job_pid']")
            systemctl kill -s STOP --kill-whom=main $UNIT
            await restarted 1
            await attempt 2
            # It was not asked for anything, as one that hangs would not have done it; its job has ended.
            is "$(status "['last_failure']['kind']")" machine
            [ ! -e /proc/$job ]
            # From here on it is alive, for longer than the watchdog has patience.
            fails timeout 3 tail -f /dev/null
            is $(of NRestarts) 1
            go_on
            succeeds
            is "$(journalctl --no-pager -u $UNIT | grep -c 'Watchdog timeout')" 1
            is "$(status "['outcome']['kind']")" completed
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test(
        "has a job that hangs, which is found and started again",
        .enabled(if: Machine.isThorough, "ENGINES=all"), arguments: Machine.versions)
    func hang(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits '"heartbeat-timeout": "5s",'
            begin
            kill -STOP $(status "['job_pid']")
            await attempt 2
            is "$(status "['last_failure']['kind']")" hang
            go_on
            succeeds
            is $(of NRestarts) 0
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test(
        "has a job that takes all memory, which is killed and started again",
        .enabled(if: Machine.isThorough, "ENGINES=all"), arguments: Machine.versions)
    func memory(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            limitsMemory: true,
            """
            digits
            dropin '[Service]' MemoryMax=150M MemorySwapMax=0
            touch $S/greedy
            systemctl start $UNIT
            await attempt 2
            is "$(status "['last_failure']['signal']")" SIGKILL
            is $(of NRestarts) 0
            completes
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test(
        "that gives up says so by its status, and is not started for ever",
        arguments: Machine.versions)
    func givesUp(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits '"max-failures": 2,'
            sed -i 's|"[^"]*/python3", |"sh", "-c", "exit 7", |' /etc/supervise/d.json
            dropin '[Service]' RestartSec=100ms
            systemctl start $UNIT || :
            await has_ended
            is $(of ActiveState) failed
            is $(of Result) exit-code
            is $(of ExecMainStatus) 7
            case $(of StatusText) in "failed (exit status 7), attempt 2"*) ;; *) of StatusText; false;; esac
            # Long enough for another start.
            fails timeout 1 tail -f /dev/null
            is $(of NRestarts) 0
            is $(of ActiveState) failed
            # A supervisor that is killed again and again is not started for ever, either.
            dropin '[Unit]' StartLimitBurst=3 '[Service]' RestartSec=10ms
            digits
            sed -i 's|"[^"]*/python3", |"sh", "-c", "kill -9 $PPID", |' /etc/supervise/d.json
            systemctl reset-failed $UNIT
            systemctl start $UNIT || :
            await has_ended
            is $(of ActiveState) failed
            is $(of NRestarts) 3
            # Put right, it goes on.
            digits
            go_on
            systemctl reset-failed $UNIT
            systemctl start $UNIT
            succeeds
            """)
        try machine.expectUndisturbedWeights()
    }
}
