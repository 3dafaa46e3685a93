import Testing

private let page = Document("docs/SYSTEMD.md")
private let onMachine = "run on a machine"
private let asUser = "run as a user"

/// What the page says to paste, pasted.
@Suite(
    "docs/SYSTEMD.md", .enabled(if: Machine.isPossible, Machine.whyNot), .onStage, .serialized)
struct SystemdPageTests {
    @Test("has no block of code that nobody runs")
    func allBlocks() {
        let blocks = page.blocks.filter { $0.language == "sh" }
        // The first one is what each machine of the tests is made with.
        #expect(blocks.first?.text == "sudo make install install-systemd\n")
        #expect(blocks.dropFirst().allSatisfy { [onMachine, asUser].contains($0.marker) })
        #expect(blocks.count == 11)
    }

    @Test("has commands that do what they say")
    func commands() throws {
        let machine = try Machine(.ours)
        let blocks = page.blocks("sh", marker: onMachine).map(\.text)
        let mistake = try #require(page.blocks("text", marker: nil).first).text.dropLast()
        try #require(blocks.count == 9)
        let said = try machine.boot(
            """
            sudo() { "$@"; }
            MISTAKE='\(mistake)'
            UNIT=supervise@train
            attempt_of_train() { supervise status train --json | grep '"attempt":'$1',.*"phase":"running"'; }
            echo "ada:x:4711:4711::/srv/train:/bin/sh" >> /etc/passwd
            echo "ada:x:4711:" >> /etc/group
            mount -t tmpfs -o mode=755 srv /srv
            mkdir /srv/train
            cp $S/examples/digits/* /srv/train/
            cp $S/examples/supervise_job.py /srv/
            chown -R 4711:4711 /srv/train
            \(blocks[0])
            await supervise checkpoint train
            job=$(supervise status train --json | grep -o '"job_pid":[0-9]*' | cut -d: -f2)
            is "$(stat -c %u /proc/$job)" 4711
            \(blocks[1])
            is $(of Result) success
            \(blocks[2])
            is $(stat -c %u%a /srv/checkpoints) 0711
            sed -i 's/"checkpoint-every"/"chekpoint-every"/' /etc/supervise/train.json
            fails systemctl start $UNIT
            { systemctl status --no-pager $UNIT || :; } | grep -F "$MISTAKE"
            sed -i 's/"chekpoint-every"/"checkpoint-every"/' /etc/supervise/train.json
            systemctl reset-failed $UNIT
            # State on a disk of its own, which /var/lib/supervise is here.
            rm -r /var/lib/supervise/train
            \(blocks[3])
            \(blocks[4])
            await supervise checkpoint train
            journalctl --no-pager -u $UNIT | grep 'attempt 1, from the beginning'
            systemctl stop $UNIT
            mv /var/lib/supervise/train /var/lib/supervise/.away
            systemctl start --no-block $UNIT
            waits() { journalctl --no-pager -u $UNIT | grep 'waiting up to 60 s'; }
            await waits
            mv /var/lib/supervise/.away /var/lib/supervise/train
            await attempt_of_train 2
            systemctl stop $UNIT
            umount /var/lib/supervise
            fails systemctl start $UNIT
            [ ! -e /var/lib/supervise/train ]
            mount --bind $S/state /var/lib/supervise
            # Credentials of a job that is another user. A machine shares its mounts, unlike this container.
            mount --make-rshared /
            (umask 077; printf secret > /etc/supervise/train.token)
            \(blocks[5])
            token() {
                rm -r /var/lib/supervise/train
                printf '{"command": ["sh", "-c", "cat $CREDENTIALS_DIRECTORY/token > token"], "chdir": "%s", %s
                    "user": "ada", "max-failures": 1}' /srv/train "$1" > /etc/supervise/train.json
                systemctl start $UNIT || :
                await has_ended
            }
            token '"env": {"CREDENTIALS_DIRECTORY": "/run/supervise-train"},'
            is $(of Result) success
            is "$(cat /srv/train/token)" secret
            [ ! -e /run/supervise-train ]
            token ''
            is $(of Result) exit-code
            journalctl --no-pager -u $UNIT | grep "the unit's credentials in /run/credentials/"
            systemctl reset-failed $UNIT
            \(blocks[6])
            systemctl start supervise-prune
            is "$(systemctl show --value -p Environment supervise-prune)" MAX_AGE=90d
            \(blocks[7])
            is "$(systemctl show --value -p TimeoutStopUSec user@4711.service)" 15min
            \(blocks[8])
            as() { setpriv --reuid 4711 --regid 4711 --clear-groups "$@"; }
            # A job that makes namespaces, where the machine lets anybody.
            if as unshare --user true; then
                printf '{"command": ["unshare", "--user", "true"], "user": "ada", %s}' \\
                    '"max-failures": 1' > /etc/supervise/train.json
                rm -r /var/lib/supervise/train
                systemctl start $UNIT
                await has_ended
                is $(of Result) success
                rm -r /etc/systemd/system/supervise@train.service.d
                systemctl daemon-reload
                rm -r /var/lib/supervise/train
                systemctl start $UNIT
                await has_ended
                is $(of Result) exit-code
            fi
            """)
        #expect(said.contains("attempt 1, from the beginning"), "\(said)")
    }
}
