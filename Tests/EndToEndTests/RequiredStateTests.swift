import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A start with `--require-state`: an unmounted disk never looks like a new run.
@Suite("A start that requires its state", .onStage)
struct RequiredStateTests {
    private func initialise(_ place: Place, _ options: [String] = []) throws {
        let program = try place.call(["init", Place.name, "--state-dir", place.state] + options)
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("begins in a directory that supervise init has made, and goes on there")
    func begins() throws {
        let place = try Place()
        try initialise(place)
        let first = try place.puppet(["--require-state"])
        let welcome = try first.hello(accepts: false)
        #expect(welcome.attempt == 1 && welcome.resume == nil)
        let id = try first.checkpoint(step: 1).id
        try place.stop(first)
        let second = try place.puppet(["--require-state"])
        #expect(try second.hello(accepts: false).resume?.id == id)
        try place.stop(second)
        #expect(!first.text(.errors).contains("require-state"))
    }

    @Test("waits for a directory that comes late, says so once, and goes on from its checkpoints")
    func late() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2])
        // The disk is not mounted.
        try Disk().rename(place.state, to: "\(place.path)/disk")
        let program = try place.supervise(
            ["--require-state"], [place.fixture, "puppet"], hasInput: true)
        let line = try program.errorLine(with: "waiting up to 60 s for it (--require-state)")
        #expect(line.contains("the directory of run it, \(place.state)/it, is not there"))
        #expect(!(try program.passes(.milliseconds(1200))))
        #expect(!pathExists(place.state), "nothing is made meanwhile, not even a lock")
        try Disk().rename("\(place.path)/disk", to: place.state)
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id.description == ids.last)
        try place.stop(program)
        #expect(program.lines(.errors).count { $0.contains("is not there") } == 1)
    }

    @Test("ends its wait at a signal, and dies by it", arguments: [SIGTERM, SIGINT, SIGHUP])
    func signals(number: Int32) throws {
        let place = try Place()
        let program = try place.supervise(["--require-state"], ["sh", "-c", "echo ran"])
        try program.errorLine(with: "waiting up to 60 s")
        try program.signal(number)
        #expect(try program.waitForEnd() == .signaled(number))
        #expect(program.text(.output).isEmpty && !pathExists(place.state))
    }

    @Test("goes on waiting at SIGHUP under nohup")
    func nohup() throws {
        let place = try Place()
        let program = try place.start(
            ["nohup", place.binary] + place.arguments(["--require-state"]) + ["true"])
        try program.errorLine(with: "waiting up to 60 s")
        try program.signal(SIGHUP)
        #expect(!(try program.passes(.milliseconds(700))))
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
    }

    @Test(
        "ends with 125 after 60 s, with both cures, and has made nothing",
        .enabled(if: Preload.isUsable, "it needs a compiler"))
    func givesUp() throws {
        let place = try Place()
        let clock = try Preload(in: place)
        let program = try place.start(
            ["env", "LD_PRELOAD=\(clock.library)", "PRELOAD=\(clock.directory)", place.binary]
                + place.arguments(["--require-state"]) + ["sh", "-c", "echo ran"])
        try program.errorLine(with: "waiting up to 60 s")
        try clock.setUptime(20)
        #expect(!(try program.passes(.milliseconds(1200))))
        try clock.setUptime(62)
        #expect(try program.waitForEnd() == .exited(125))
        let last = program.lines(.errors).last ?? ""
        #expect(last.contains("its disk may not be mounted; mount it, or, only for a new run: "))
        #expect(last.hasSuffix("supervise init it --state-dir \(place.state)"))
        #expect(program.text(.output).isEmpty && !pathExists(place.state))
    }

    @Test("waits for the directory of checkpoints, too, of a new run and of an old one")
    func checkpointDirectory() throws {
        let place = try Place()
        let disk = "\(place.path)/disk"
        let options = ["--checkpoint-dir", disk]
        try initialise(place, options)
        // A new run is told where; an old one knows it.
        for (attempt, given) in [(1, options), (2, []), (3, options)] {
            try Disk().rename(disk, to: "\(place.path)/elsewhere")
            let program = try place.supervise(
                ["--require-state"] + given, [place.fixture, "puppet"], hasInput: true)
            let line = try program.errorLine(with: "waiting up to 60 s")
            #expect(line.contains("the directory of its checkpoints, \(disk)/it, is not there"))
            #expect(!pathExists(disk))
            try Disk().rename("\(place.path)/elsewhere", to: disk)
            try program.nextAttempt(attempt)
            try program.hello(accepts: false)
            try program.checkpoint(step: Int64(attempt))
            try place.stop(program)
        }
        #expect(try Disk().list("\(disk)/it/checkpoints").count == 3)
    }

    @Test("archives what is there and begins anew in another directory of checkpoints with --fresh")
    func fresh() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        let program = try place.puppet(
            ["--require-state", "--fresh", "--checkpoint-dir", "\(place.path)/disk"])
        #expect(try program.hello(accepts: false).resume == nil)
        try place.stop(program)
        #expect(place.names(in: "../.archive").count == 1)
        // A run that has completed is no missing one, either.
        let second = try place.puppet(["--require-state"])
        try second.hello(accepts: false)
        try second.say("exit 0")
        #expect(try second.waitForEnd() == .exited(0))
        let third = try place.puppet(
            ["--require-state", "--checkpoint-dir", "\(place.path)/another"])
        try third.hello(accepts: false)
        try place.stop(third)
    }

    @Test("is not required by a resume, which finds the run by its record")
    func resume() throws {
        let place = try Place()
        try initialise(place)
        let first = try place.puppet(["--require-state"])
        try first.hello(accepts: false)
        try first.checkpoint(step: 1)
        try place.stop(first)
        #expect(try place.record().options["require-state"] == nil)
        let second = try place.call(
            ["resume", "it", "--state-dir", place.state], hasInput: true)
        try second.nextAttempt(2)
        #expect(try second.hello(accepts: false).resume != nil)
        try place.stop(second)
    }

    @Test("is refused a directory on / by init --mounted, and given one that is mounted")
    func mounted() throws {
        let place = try Place()
        let refused = try place.call([
            "init", "it", "--mounted", "--state-dir", "/supervise-none-\(getpid())/state",
        ])
        #expect(try refused.waitForEnd() == .exited(125))
        #expect(refused.text(.errors).contains("is on /, and not on a file system of its own"))
        #expect(!pathExists("/supervise-none-\(getpid())"))
        // It is always mounted, and nothing may be made there.
        let made = try place.call(["init", "it", "--mounted", "--state-dir", "/proc/none"])
        #expect(try made.waitForEnd() == .exited(125))
        #expect(!made.text(.errors).contains("file system of its own"))
    }
}

/// The same, with real disks.
@Suite(
    "A start that requires its state, with disks that are mounted", .onStage,
    .enabled(if: userId() == 0, "it needs root"))
struct MountedStateTests {
    /// Runs a script in a mount namespace of its own, with `$D` as the mount point of a disk.
    private func script(_ text: String, in place: Place) throws -> Program {
        let prepare = """
            set -eu
            D=$PWD/state
            S=\(place.binary)
            mkdir $D
            """
        let program = try place.start([
            "unshare", "--mount", "--propagation", "private", "sh", "-c", "\(prepare)\n\(text)",
        ])
        let ending = try program.waitForEnd()
        if ending != .exited(0) { throw program.failure("the script ended with \(ending)") }
        return program
    }

    @Test("init --mounted makes a run on the disk and none below it, whatever links lead there")
    func mounted() throws {
        let place = try Place()
        let program = try script(
            """
            mount -t tmpfs disk $D
            $S init a --mounted --state-dir $D
            $S init b --mounted --state-dir $D/below/deep --json
            ln -s $D/below link
            $S init c --mounted --state-dir $PWD/link/deep
            [ -d $D/a/checkpoints ] && [ -d $D/below/deep/b ] && [ -d $D/below/deep/c ]
            """, in: place)
        let said = program.text(.output)
        #expect(
            said.contains(
                "run a is made, and has not begun: \(place.state)/a, on \(place.state) (tmpfs)"))
        #expect(said.contains(#""mount_point":"\#(place.state)""#))
    }

    @Test("a disk that is mounted while the start waits is used, and one below it is not")
    func late() throws {
        let place = try Place()
        let program = try script(
            """
            mount -t tmpfs disk $D
            $S init it --mounted --state-dir $D
            $S --state-dir $D --name it --max-failures 1 --require-state -- sh -c 'exit 3' || [ $? = 3 ]
            mkdir kept; mount --move $D kept 2> /dev/null || mount --bind $D kept
            umount $D 2> /dev/null || :
            [ ! -e $D/it ]
            $S --state-dir $D --name it --require-state -- sh -c 'echo attempt $SUPERVISE_ATTEMPT' 2> said &
            until grep -q 'waiting up to 60 s' said; do sleep 0.1; done
            mount --bind kept $D
            wait $!
            umount $D
            [ -z "$(ls -A $D)" ]
            """, in: place)
        #expect(program.text(.output).contains("attempt "))
        #expect(!program.text(.output).contains("attempt 1\n"))
    }
}
