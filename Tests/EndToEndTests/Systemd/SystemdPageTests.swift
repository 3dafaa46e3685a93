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
        #expect(blocks.count == 7)
    }

    @Test("has commands that do what they say")
    func commands() throws {
        let machine = try Machine(.ours)
        let blocks = page.blocks("sh", marker: onMachine).map(\.text)
        let mistake = try #require(page.blocks("text", marker: nil).first).text.dropLast()
        try #require(blocks.count == 5)
        let said = try machine.boot(
            """
            sudo() { "$@"; }
            MISTAKE='\(mistake)'
            UNIT=supervise@train
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
            \(blocks[3])
            systemctl start supervise-prune
            is "$(systemctl show --value -p Environment supervise-prune)" MAX_AGE=90d
            \(blocks[4])
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
