import Testing

/// What a service manager does while a run comes to its end, and what it cannot know.
@Suite(
    "A manager that is impatient", .enabled(if: Machine.isPossible, Machine.whyNot), .onStage,
    .serialized)
struct ManagerTests {
    /// The unit as it is delivered: no drop-in.
    private static let meanwhile = """
        saving() { [ "$(status "['phase']")" = stopping ]; }
        manager() {
            systemctl stop --no-block $UNIT
            await saving
            systemctl daemon-reload
            systemctl daemon-reexec
            # Who is killed at once is gone by then.
            fails timeout 1 tail -f /dev/null
            is "$(of ActiveState)" deactivating
        }
        saved() {
            await_long has_ended
            is $(of Result) success
            is "$(status "['outcome']['kind']")" stopped
            is "$(supervise checkpoints d show --json | grep -o '"reason":"[a-z]*"')" '"reason":"shutdown"'
        }
        await_long() { for i in 1 2 3; do await "$@" && return; done; }
        """

    @Test(
        "daemon-reload and daemon-reexec during a final checkpoint leave it its time",
        arguments: Machine.versions)
    func reload(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            \(Self.meanwhile)
            is "$(of TimeoutStopUSec)" 1h
            digits
            begin
            touch $S/slow
            manager
            saved
            rm $S/slow
            go_on
            systemctl start $UNIT
            succeeds
            """)
        try machine.expectUndisturbedWeights()
    }

    @Test(
        "nor does one that takes longer than systemd gives by default",
        .enabled(if: Machine.isThorough, "ENGINES=all"), arguments: Machine.versions)
    func longReload(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            \(Self.meanwhile)
            digits '"checkpoint-timeout": "5m",'
            sed -i 's/time.sleep(4 /time.sleep(100 /' $S/examples/held.py
            begin
            touch $S/slow
            manager
            # Longer than 90 s after the stop, systemd has to read its files anew once more.
            timeout 92 tail -f /dev/null || :
            is "$(of ActiveState)" deactivating
            systemctl daemon-reload
            saved
            """)
    }

    /// A user's manager, as a service of the system's, and the unit of the user.
    private static let user = """
        H=$S/home
        mkdir -p -m 700 /run/user/65534 $H/.config/supervise $H/.config/systemd/user
        cp $S/local/lib/systemd/user/* $H/.config/systemd/user/
        chmod 755 $S
        config() {
            printf '{"command": ["sleep", "60"], "checkpoint-timeout": "%s"}' $1 > $H/.config/supervise/d.json
            chown -R 65534 /run/user/65534 $H
        }
        config 1m
        systemd-run -q --unit=um --uid=65534 -p Delegate=yes -p Type=notify \\
            -E XDG_RUNTIME_DIR=/run/user/65534 -E HOME=$H /lib/systemd/systemd --user --unit=basic.target
        as() { setpriv --reuid 65534 --clear-groups env XDG_RUNTIME_DIR=/run/user/65534 HOME=$H "$@"; }
        told() { journalctl --no-pager | grep -c 'this is a unit of a user' || :; }
        lines() { as systemctl --user start $UNIT; as systemctl --user stop $UNIT; journalctl --sync; told; }
        """

    @Test(
        "a unit of a user says that user@.service is killed before its options would end it",
        arguments: Machine.versions)
    func userUnit(version: Machine.Version) throws {
        let machine = try Machine(version)
        let said = try machine.boot(
            """
            \(Self.user)
            is $(lines) 0
            config 10m
            is $(lines) 1
            journalctl --no-pager | grep 'this is a unit of a user'
            mkdir -p /etc/systemd/system/user@.service.d
            printf '[Service]\\nTimeoutStopSec=15min\\n' > /etc/systemd/system/user@.service.d/stop.conf
            is $(lines) 1
            # A unit of the system has no such limit.
            rm -r /etc/systemd/system/user@.service.d
            cp $H/.config/supervise/d.json /etc/supervise/d.json
            systemctl start $UNIT
            systemctl stop $UNIT
            journalctl --sync
            is $(told) 1
            """)
        #expect(said.contains("user@.service has 2 min for all"), "\(said)")
        #expect(said.contains("may take 10m12s"), "\(said)")
        #expect(said.contains("TimeoutStopSec=12min"), "\(said)")
    }

    @Test("an escaped instance is told the name that it means", arguments: Machine.versions)
    func escaped(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            UNIT=$(systemd-escape --template=supervise@.service my-run)
            is "$UNIT" 'supervise@my\\x2drun.service'
            printf '{"command": ["true"]}' > /etc/supervise/my-run.json
            fails systemctl start "$UNIT"
            is "$(of ExecMainStatus)" 125
            journalctl --no-pager -u "$UNIT" | grep -F 'call the unit supervise@my-run, and its configuration my-run.json'
            UNIT=supervise@my-run
            systemctl start $UNIT
            succeeds
            """)
    }

    @Test(
        "a state directory that is a symbolic link is refused by systemd",
        arguments: Machine.versions)
    func symbolicLink(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            umount /var/lib/supervise
            rmdir /var/lib/supervise
            mkdir $S/elsewhere
            ln -s $S/elsewhere /var/lib/supervise
            printf '{"command": ["true"]}' > /etc/supervise/d.json
            fails systemctl start $UNIT
            is "$(of ExecMainStatus)" 238
            """)
    }
}
