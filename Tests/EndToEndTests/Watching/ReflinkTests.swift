import SuperviseSystem
import TestSupport
import Testing

/// A file system on a loop device.
private enum LoopDisk {
    static let engine = "\(repository)/../shared/engines/with-crashfs"
    static let isPossible = userId() == 0 && pathExists(engine)
}

/// Files that share their blocks, on file systems that can: on a loop device, which only root can mount.
@Suite(
    "A watched file that is a reflink copy", .onStage, .serialized,
    .enabled(if: LoopDisk.isPossible, "not root, or no ../shared/engines: it did not run"))
struct ReflinkTests {
    @Test(
        "is taken once, whole, and shares its blocks with the checkpoint",
        arguments: ["xfs", "btrfs"])
    func taken(kind: String) throws {
        let place = try Place()
        try place.directory.write(
            "script.sh",
            """
            set -e
            cd "$CRASH_DIR"
            head -c 150000000 /dev/urandom > part
            mkdir out
            "$@" --watch 'out/state*' -- sh -c 'cp --reflink=always part out/state; exec sleep 1000' &
            until grep -qs '"event":"checkpoint_committed"' state/it/events.jsonl; do sleep 0.1; done
            kill $!
            wait $! || test $? = 143
            ls state/it/checkpoints | grep -v index
            cmp part state/it/checkpoints/000001/data/state && echo whole
            """)
        // Three copies that share nothing have no room in it.
        let program = try place.start(
            [
                LoopDisk.engine, "-t", kind, "-s", "400M", "sh", "\(place.path)/script.sh",
                place.binary,
            ]
                + ["--state-dir", "state", "--name", "it"], hasInput: true)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(program.lines(.output).suffix(2) == ["000001", "whole"])
    }
}
