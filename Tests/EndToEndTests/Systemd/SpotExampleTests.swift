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
            DISK=$S/state DISK_TYPE=none DISK_OPTIONS=bind SUPERVISE=file://$S/supervise.tar.gz JOB=file://$S/train.tar.gz \\
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
            grep -c ' /var/lib/supervise none bind,nofail,' /etc/fstab
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

    /// What a machine keeps of its first boot, on which the user data has run.
    private static let keep = """
        keep() {
            systemctl stop $UNIT
            mkdir -p $S/kept
            cp -r /etc/fstab /etc/supervise /etc/systemd/system/$UNIT.service.d $S/kept/
            tar -cf $S/kept/installed.tar -C / usr/local srv
        }
        # The same machine at its next boot, before anything has mounted the disk.
        boot_again() {
            tar -xf $S/kept/installed.tar -C /
            cp $S/kept/fstab /etc/fstab
            cp -r $S/kept/supervise /etc/
            cp -r $S/kept/$UNIT.service.d /etc/systemd/system/
            systemctl daemon-reload
        }
        """

    @Test("a machine that is stopped and started again begins nothing beside its disk")
    func nextBoot() throws {
        let machine = try Machine(.ours)
        try machine.boot(
            """
            BASE=http://127.0.0.1:9
            \(Self.provide)
            \(Self.keep)
            touch $S/hold
            user_data
            await supervise checkpoint train
            keep
            """)
        try machine.boot(
            """
            BASE=http://127.0.0.1:9
            \(Self.provide)
            \(Self.keep)
            touch $S/hold
            boot_again
            # As it is on a machine that is no container: what is mounted is also seen by units.
            mount --make-rshared /
            # The disk cannot be mounted: the unit's assertion holds it back.
            fails systemctl start $UNIT
            [ ! -e /var/lib/supervise/train ]
            # And without that, the configuration: it waits, and finds it when it is mounted.
            printf '[Unit]\nAssertPathIsMountPoint=\nRequiresMountsFor=\n' \\
                > /etc/systemd/system/$UNIT.service.d/zz.conf
            systemctl daemon-reload
            systemctl start --no-block $UNIT
            waits() { journalctl --no-pager -u $UNIT | grep 'waiting up to 60 s'; }
            await waits
            case $(of StatusText) in "the directory of run train, /var/lib/supervise/train, is not there"*) ;;
                *) of StatusText; false;; esac
            [ ! -e /var/lib/supervise/train ]
            mount /var/lib/supervise
            await attempt 2
            is "$(status "['resumed_from'] is not None")" True
            systemctl stop $UNIT
            """)
    }

    @Test("systemd mounts the disk by the entry in fstab before the unit starts")
    func fstab() throws {
        let machine = try Machine(.ours)
        try machine.boot(
            """
            BASE=http://127.0.0.1:9
            \(Self.provide)
            \(Self.keep)
            touch $S/hold
            user_data
            await supervise checkpoint train
            keep
            umount /var/lib/supervise
            rm -f /etc/systemd/system-generators/systemd-fstab-generator
            systemctl daemon-reload
            [ ! -e /var/lib/supervise/train ]
            systemctl start $UNIT
            mountpoint -q /var/lib/supervise
            await attempt 2
            # Run once more, as Compute Engine does at each boot, it changes nothing.
            user_data
            is $(grep -c ' /var/lib/supervise ' /etc/fstab) 1
            is "$(status "['attempt']")" 2
            systemctl stop $UNIT
            """)
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
            [ ! -e /etc/fstab ] || fails grep supervise /etc/fstab
            """)
    }
}
