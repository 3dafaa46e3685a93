import SuperviseSystem
import TestSupport
import Testing

/// The user data of the example, on one spot machine after the other, each with a real systemd.
@Suite(
    "The user data of a spot machine",
    .enabled(if: Machine.isPossible && MetadataService.isThere, Machine.whyNot), .onStage,
    .serialized)
struct SpotExampleTests {
    /// What the machines are given: packages, and the address of a metadata service. `/usr/local`, `/srv`
    /// and the disk are the machine's own.
    private static let provide = """
        UNIT=supervise@train
        umount /var/lib/supervise
        for place in /usr/local /srv; do mount -t tmpfs tmpfs $place; done
        mkdir -p $S/root/usr/local/bin $S/job
        make -s -C \(repository) install-systemd DESTDIR=$S/root > $S/made
        cp $S/local/bin/supervise $S/root/usr/local/bin/
        ln -sf "$(command -v python3)" $S/root/usr/local/bin/python3
        cat > $S/job/train.py <<END
        import os, runpy, sys
        os.environ["ORDERS"] = "$S"
        sys.argv = ["held.py", "$S/examples/digits/train.py", "--epochs", "$EPOCHS", "--out", "$S/work/weights"]
        runpy.run_path("$S/examples/held.py", run_name="__main__")
        END
        tar -czf $S/supervise.tar.gz -C $S/root .
        tar -czf $S/train.tar.gz -C $S/job .
        status() { supervise status train --json | python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
        user_data() {
            dropin '[Service]' "Environment=AWS_EC2_METADATA_SERVICE_ENDPOINT=$BASE"
            DISK="--bind $S/state" SUPERVISE=file://$S/supervise.tar.gz JOB=file://$S/train.tar.gz \\
                sh -x \(repository)/examples/spot/user-data.sh
        }
        watched() { [ "$(status "['preemption']['sources'][0]['state']")" = watching ]; }
        """

    @Test("mounts, installs, begins, and goes on with the run on the next machine")
    func userData() throws {
        let machine = try Machine(.ours)
        let place = try Place()
        let service = try MetadataService(place)
        try machine.boot(
            """
            BASE=\(service.base)
            \(Self.provide)
            touch $S/hold
            user_data
            is $(of ActiveState) active
            is $(of UnitFileState) enabled
            await watched
            curl -sS --noproxy '*' "$BASE/_ctl/arm?notice=20"
            await has_ended
            is $(of Result) success
            is "$(status "['outcome']['kind']")" preempted
            is "$(status "['preemption']['notice']['lost_s']")" 0
            nobody
            """)
        try service.control("disarm")
        try machine.boot(
            """
            BASE=\(service.base)
            \(Self.provide)
            go_on
            user_data
            await has_ended
            is $(of Result) success
            is "$(status "['outcome']['kind']")" completed
            is "$(status "['attempt']")" 2
            is "$(status "['resumed_from'] is not None")" True
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test("begins nothing where the disk is not there")
    func noDisk() throws {
        let machine = try Machine(.ours)
        try machine.boot(
            """
            BASE=http://127.0.0.1:9
            \(Self.provide)
            fails env DISK=LABEL=none-of-this-name sh \(repository)/examples/spot/user-data.sh
            fails systemctl is-enabled $UNIT
            [ ! -e /usr/local/bin/supervise ]
            """)
    }
}
