import Testing

/// The unit as it is delivered, under a real systemd: whatever happens to it, the digits end with the
/// weights of a training that nobody disturbed.
@Suite(
    "The unit of systemd", .enabled(if: Machine.isPossible, Machine.whyNot), .onStage, .serialized)
struct UnitLifeTests {
    @Test(
        "starts, stops, starts again, restarts, completes, and is not trained anew",
        arguments: Machine.versions)
    func life(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits
            systemctl start $UNIT
            is $(of ActiveState) active
            await has_step 1
            case $(of StatusText) in "running, attempt 1, batches "*" checkpoint 0000"*) ;; *) of StatusText; false;; esac
            systemctl stop $UNIT
            is $(of Result) success
            is "$(status "['outcome']['kind']")" stopped
            nobody
            systemctl start $UNIT
            await attempt 2
            is "$(status "['resumed_from'] is not None")" True
            systemctl restart $UNIT
            await attempt 3
            completes
            is $(of NRestarts) 0
            cp $S/work/weights $S/first
            systemctl start $UNIT
            succeeds
            is "$(status "['attempt']")" 3
            journalctl --no-pager -u $UNIT | grep 'has completed; to run it again'
            cmp $S/work/weights $S/first
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test(
        "outlives a reboot", .enabled(if: Machine.isThorough, "ENGINES=all"),
        arguments: Machine.versions)
    func reboot(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits
            systemctl enable $UNIT
            systemctl start multi-user.target
            await has_step 5
            """)
        try machine.boot(
            """
            is "$(status "['outcome']['kind']")" stopped
            digits
            systemctl enable $UNIT
            systemctl start multi-user.target
            await attempt 2
            is "$(status "['resumed_from'] is not None")" True
            completes
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test(
        "has all the time that its options give a final checkpoint, whatever TimeoutStopSec says",
        arguments: Machine.versions)
    func longStop(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits '"checkpoint-timeout": "60s",'
            dropin '[Service]' TimeoutStopSec=1s
            begin
            # The final checkpoint takes four seconds.
            touch $S/slow
            began=$(date +%s%N)
            systemctl stop $UNIT
            [ $(( $(date +%s%N) - began )) -ge 3900000000 ]
            is $(of Result) success
            is "$(status "['outcome']['kind']")" stopped
            is "$(supervise checkpoints d show --json | grep -o '"reason":"[a-z]*"')" '"reason":"shutdown"'
            rm $S/slow
            go_on
            systemctl start $UNIT
            succeeds
            """)
        try machine.expectUndisturbedWeights()
    }
}
