import Glibc
import SuperviseFormats
import SuperviseSystem
import Synchronization
import TestSupport
import Testing

/// A machine of its own with a real systemd as its first process, and our units installed on it.
///
/// What is in ``path`` and the runs in /var/lib/supervise outlive a reboot.
final class Machine {
    /// Which systemd it is.
    enum Version: String, CaseIterable, CustomTestStringConvertible {
        /// That of this machine.
        case ours
        /// Of Debian 13.
        case newer

        var testDescription: String { rawValue }
    }

    private static let engines = "\(repository)/../shared/engines"
    static let isPossible = userId() == 0 && pathExists("\(engines)/with-systemd")
    static let whyNot: Comment = "no private systemd: not root, or no ../shared/engines"
    /// `ENGINES=all` takes more time, and tries everything.
    static let isThorough = environmentVariable("ENGINES") == "all"
    static let versions: [Version] = isThorough ? Version.allCases : [.ours]
    static let epochs = 2

    let path: String
    private let version: Version

    init(_ version: Version) throws {
        self.version = version
        var template = Array("/tmp/supervise-unit-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
        let build = try buildDirectory()
        let prepare = """
            umask 022
            # The system's own Python, which every user may run.
            PATH=/usr/bin:$PATH
            cd "$1"; mkdir -p local/bin state work; chmod 755 .
            cp "$2/supervise" local/bin/; cp -r "$3/examples" .
            make -s -C "$3" install-systemd PREFIX="$1/local" > made 2>&1 || { cat made; exit 1; }
            """
        let python =
            version == .newer ? Self.python : "ln -s \"$(command -v python3)\" local/bin/python3"
        let outcome = try run([
            "bash", "-euc", "\(prepare)\n\(python)", "prepare", path, build, repository,
        ])
        try #require(outcome.status == 0, "\(outcome.output)")
        try Disk().writeFile("\(path)/library", Array(Self.library.utf8))
        try Disk().writeFile("\(path)/examples/held.py", Array(Self.held.utf8))
    }

    deinit {
        _ = try? run(["rm", "-rf", "--one-file-system", path])
    }

    /// Starts the machine, runs a script on it as root, and shuts it down in order.
    ///
    /// - Parameter limitsMemory: whether the machine's groups can.
    /// - Returns: what the script wrote; a script that fails is an issue.
    @discardableResult
    func boot(limitsMemory: Bool = false, _ script: String) throws -> String {
        try Disk().writeFile("\(path)/script", Array("source \(path)/library\n\(script)\n".utf8))
        var command = [
            "env", "WITH_SYSTEMD_TIMEOUT=240", "WITH_SYSTEMD_STOP_TIMEOUT=30",
            "WITH_SYSTEMD_CGROUP=\(limitsMemory ? "hybrid" : "unified")",
        ]
        if version == .newer { command.append("WITH_SYSTEMD_ROOT=\(try Self.newerRoot())") }
        command += ["\(Self.engines)/with-systemd", "bash", "-euo", "pipefail", "\(path)/script"]
        let outcome = try run(command + [path, "\(Self.epochs)"])
        #expect(outcome.status == 0, "\(outcome.output)")
        return outcome.output
    }

    /// What comes of the digits without us, on this machine's Python: trained once.
    func undisturbed() throws -> String {
        let version = version
        return try Self.references.withLock { known in
            if let digest = known[version] { return digest }
            let said = try boot("train --out $S/alone; sha256sum < $S/alone")
            let digest = try #require(said.split(separator: "\n").last).prefix(64)
            known[version] = String(digest)
            return String(digest)
        }
    }

    /// That what was trained here is what comes of it undisturbed.
    func expectUndisturbedWeights() throws {
        let expected = try undisturbed()
        let outcome = try run(["sha256sum", "\(path)/work/weights"])
        #expect(outcome.output.prefix(64) == expected, "\(outcome.output)")
    }

    private static let references = Mutex<[Version: String]>([:])
    private static let newer = Mutex<String?>(nil)

    private static func newerRoot() throws -> String {
        try newer.withLock { known in
            if let known { return known }
            let command = quoted("\(engines)/get-root")
            let said = try ShellCommand(command)
            var last = ""
            while let line = said.readLine() { last = line }
            try #require(said.finish() == 0)
            let root = String(last.dropLast())
            known = root
            return root
        }
    }

    private static func quoted(_ word: String) -> String {
        "'\(word.replacing("'", with: "'\\''"))'"
    }

    private func run(_ command: [String]) throws -> (status: Int32, output: String) {
        let output = "\(path)/output-\(try randomHex(bytes: 4))"
        let quoted = command.map(Self.quoted).joined(separator: " ")
        let shell = try ShellCommand("exec < /dev/null; \(quoted) > '\(output)' 2>&1")
        let status = shell.finish()
        let bytes = (try? Disk().readFile(output, limit: 16 << 20)) ?? []
        return (status, String(decoding: bytes, as: UTF8.self))
    }
}

extension Machine {
    /// Runs the digits, which get on by a step a checkpoint while the file `hold` is there, save slowly
    /// while `slow` is, and take all memory where they find `greedy` at their first attempt.
    private static let held = """
        import os, runpy, sys, threading, time
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        from supervise_job import Job
        there = lambda name: os.path.exists(os.path.join(os.environ["ORDERS"], name))
        save, progress = Job.save, Job.progress
        def held(self, *words, **more):
            progress(self, *words, **more)
            while there("hold") and not self.stopping and not self.checkpoint_due:
                time.sleep(0.01)
        def slowly(self, *words, **more):
            time.sleep(4 if there("slow") else 0)
            return save(self, *words, **more)
        Job.save, Job.progress = slowly, held
        def grow():
            time.sleep(1)
            grown = [bytearray(1 << 20) for _ in range(1000)]
        if there("greedy") and os.environ["SUPERVISE_ATTEMPT"] == "1":
            threading.Thread(target=grow, daemon=True).start()
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")

        """

    /// Makes a Python that is the same on every machine, as the smallest one of Debian lacks half of it.
    private static let python = """
        library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
        mkdir -p python/bin python/lib
        cp "$(python3 -c 'import sys; print(sys.executable)')" python/bin/python3
        cp -r "$library" python/lib/
        printf '#!/bin/sh\\nPYTHONHOME=%s exec %s "$@"\\n' "$1/python" "$1/python/bin/python3" \
            > local/bin/python3
        chmod +x local/bin/python3

        """

    /// For scripts: `$S` is the machine's directory, and the unit that they speak of is `d`.
    private static let library = #"""
        S=$1 EPOCHS=$2 UNIT=supervise@d
        export PATH=$S/local/bin:$PATH LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

        trap 'told $LINENO' ERR
        told() {
            echo "line $1 of the script failed" >&2
            systemctl status --no-pager --lines=30 "$UNIT" >&2 || :
            journalctl --no-pager --lines=40 -o short-monotonic >&2 || :
        }

        mkdir -p /var/lib/supervise /etc/supervise
        mount --bind "$S/state" /var/lib/supervise
        cp "$S"/local/lib/systemd/system/* /etc/systemd/system/
        systemctl daemon-reload

        train() { (cd "$S/work" && python3 "$S/examples/digits/train.py" --epochs "$EPOCHS" "$@"); }

        # The configuration of the digits, with more keys in front; they are held until `go_on`.
        digits() {
            touch $S/hold
            cat > /etc/supervise/d.json <<END
        {
          $*
          "command": ["$S/local/bin/python3", "$S/examples/held.py", "$S/examples/digits/train.py",
                      "--epochs", $EPOCHS, "--out", "weights"],
          "chdir": "$S/work",
          "env": {"ORDERS": "$S", "PYTHONDONTWRITEBYTECODE": 1},
          "checkpoint-every": "100ms",
          "backoff": "10ms..10ms"
        }
        END
        }
        go_on() { rm $S/hold; }

        # Each of these is one command of a script, so that the line is told where it fails.
        begin() { systemctl start $UNIT && await has_step 1; }
        succeeds() { await has_ended && is "$(of Result)" success; }
        completes() { go_on && succeeds && is "$(status "['outcome']['kind']")" completed; }

        dropin() {
            mkdir -p /run/systemd/system/$UNIT.service.d
            printf '%s\n' "$@" > /run/systemd/system/$UNIT.service.d/test.conf
            systemctl daemon-reload
        }

        # Waits until a command succeeds.
        await() {
            local until=$((SECONDS + 60))
            while [ $SECONDS -lt $until ]; do "$@" > /dev/null 2>&1 && return; sleep 0.1; done
            echo "never: $*" >&2; return 1
        }

        is() { [ "$1" = "$2" ] || { echo "it is \"$1\", and should be \"$2\"" >&2; return 1; }; }
        of() { systemctl show --value -p "$1" "$UNIT"; }
        status() { supervise status d --json | python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
        has_step() { [ "$(status "['checkpoint']['step']")" -ge "$1" ]; }
        has_ended() { case $(of ActiveState) in inactive|failed) ;; *) return 1;; esac; }
        attempt() { [ "$(status "['attempt']")" -ge "$1" ] && [ "$(status "['phase']")" = running ]; }
        restarted() { [ "$(of NRestarts)" -ge "$1" ]; }
        fails() { if "$@"; then echo "it succeeds: $*" >&2; return 1; fi; }
        nobody() { ! pgrep -f examples/digits/train.py; }

        """#
}
