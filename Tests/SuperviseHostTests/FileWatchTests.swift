import Glibc
import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// What is told of files that somebody writes, with real ones.
@Suite("File watch")
final class FileWatchTests {
    private let diary: Diary
    private let place: TemporaryDirectory
    private var watch: FileWatch?

    init() throws {
        diary = try Diary()
        place = try TemporaryDirectory()
    }

    private func start(
        _ patterns: [String], file: Duration = .milliseconds(60),
        directory: Duration = .milliseconds(150), complete: [String] = []
    ) throws {
        let diary = diary
        let home = place.path + "/"
        watch = try FileWatch(
            patterns.map { try #require(WatchPattern($0)) }, in: place.path, on: diary.loop,
            timing: .init(file: file, directory: directory),
            complete: complete.map { try #require(CompletionPattern($0)) }
        ) { event in
            for line in brief(event, in: home) { diary.note(line) }
        }
    }

    /// All that had happened before this was told when it returns.
    private func waitForMark(_ name: String) throws {
        try place.write("\(name).part", "mark")
        try Disk().rename("\(place.path)/\(name).part", to: "\(place.path)/\(name)")
        try diary.wait { $0.contains { $0.hasPrefix("moved \(name)") } }
    }

    private func times(_ name: String) -> Int {
        let told = diary.lines.filter { !$0.hasPrefix("incomplete") }
        return told.filter { $0.split(separator: " ").dropFirst().first == name[...] }.count
    }

    @Test("a file is told when it is closed, with its step, and not while it is open")
    func closed() throws {
        try start(["*.pt", "mark*"])
        let file = try OpenedFile("\(place.path)/ckpt-7.pt")
        try file.write(1000)
        try waitForMark("mark1")
        try waitForMark("mark2")
        #expect(times("ckpt-7.pt") == 0)
        file.close()
        try diary.wait(for: "closed ckpt-7.pt step 7")
    }

    @Test("a watch that has failed says so once, and answers each flush all the same")
    func failed() throws {
        let diary = diary
        let bell = try Bell()
        watch = try FileWatch(
            [try #require(WatchPattern("*"))], in: place.path, on: diary.loop,
            run: { _ throws(SystemError) in
                _ = bell.wait(atMost: patience)
                throw SystemError(call: "epoll_wait", code: EIO, subject: "")
            }
        ) { diary.note("\($0)") }
        // Ordered before it fails, and after.
        watch?.order(.flush)
        watch?.order(.flush)
        bell.ring()
        try diary.wait { $0.count == 3 }
        watch?.order(.flush)
        watch?.order(.gather(since: Timestamp(milliseconds: 0)))
        try diary.wait { $0.count == 5 }
        #expect(diary.lines.count { $0.contains("files can no longer be watched") } == 1)
        #expect(diary.lines.count { $0.hasPrefix("watchFlushed") } == 4)
    }

    @Test("what was there, what does not fit and what is empty is not told; what is renamed is")
    func renamed() throws {
        try place.write("old-1.pt", "old")
        try start(["*.pt", "mark*"])
        try place.write("new-2.pt.tmp", "new")
        try place.write("empty-3.pt", "")
        try Disk().rename("\(place.path)/new-2.pt.tmp", to: "\(place.path)/new-2.pt")
        try Disk().makeLink("\(place.path)/latest-4.pt", to: "new-2.pt")
        try waitForMark("mark1")
        #expect(diary.lines == ["moved new-2.pt step 2", "moved mark1 step 1"])
    }

    @Test("names are told apart by their bytes, and may begin with a combining mark")
    func oddNames() throws {
        _ = try place.makeDirectory("\u{301}out")
        let names = ["caf\u{E9}", "cafe\u{301}", "\u{301}mark"]
        try start(["\u{301}out/*", "mark*"])
        for name in names {
            try place.write("part", name)
            try Disk().rename("\(place.path)/part", to: "\(place.path)/\u{301}out/\(name)")
        }
        try waitForMark("mark1")
        let told = diary.lines.map { Array($0.utf8) }
        let expected = names.map { Array("moved \u{301}out/\($0)".utf8) }
        #expect(told.dropLast().elementsEqual(expected), "\(diary.lines)")
        // One that goes takes nothing of the other with it.
        try Disk().removeFile("\(place.path)/\u{301}out/caf\u{E9}")
        try place.write("part", "again")
        try Disk().rename("\(place.path)/part", to: "\(place.path)/\u{301}out/caf\u{E9}")
        try waitForMark("mark2")
        #expect(diary.lines.count == names.count + 3)
    }

    @Test("a file that is written again is told again; one that is only opened is not")
    func again() throws {
        try start(["*.pt", "mark*"])
        try place.write("a.pt", "1")
        try diary.wait(for: "closed a.pt")
        try OpenedFile("\(place.path)/a.pt").close()
        // Longer than it waits after a close.
        try place.write("b.pt", "1")
        try diary.wait(for: "closed b.pt")
        #expect(times("a.pt") == 1)
        let file = try OpenedFile("\(place.path)/a.pt")
        try file.write(5)
        file.close()
        try diary.wait { $0.filter { $0 == "closed a.pt" }.count == 2 }
    }

    @Test("directories that appear later are watched as they appear, whatever is in them by then")
    func laterDirectories() throws {
        try start(["out/*/ckpt-*.pt"])
        _ = try place.makeDirectory("out")
        for run in 1...20 {
            _ = try place.makeDirectory("out/run\(run)")
            try place.write("out/run\(run)/ckpt-\(run).pt", "state")
        }
        for run in 1...20 {
            try diary.wait(for: "closed out/run\(run)/ckpt-\(run).pt step \(run)")
        }
        #expect(diary.lines.count == 20)
    }

    @Test("a directory that is removed and made again is watched again, and so is one moved away")
    func madeAgain() throws {
        try start(["out/*.pt"])
        _ = try place.makeDirectory("out")
        for round in 1...5 {
            try place.write("out/ckpt-\(round).pt", "state")
            try diary.wait(for: "closed out/ckpt-\(round).pt step \(round)")
            if round % 2 == 0 {
                try Disk().rename("\(place.path)/out", to: "\(place.path)/away\(round)")
                try place.write("away\(round)/ckpt-99.pt", "not ours any more")
            } else {
                try Disk().removeTree("\(place.path)/out")
            }
            _ = try place.makeDirectory("out")
        }
        #expect(diary.lines.count == 5)
    }

    @Test("what comes back with its directory is known, and what is new in it is told")
    func comesBack() throws {
        try start(["out/*.pt"])
        _ = try place.makeDirectory("out")
        try place.write("out/ckpt-1.pt", "state")
        try diary.wait(for: "closed out/ckpt-1.pt step 1")
        try Disk().rename("\(place.path)/out", to: "\(place.path)/away")
        try place.write("away/ckpt-2.pt", "state")
        try Disk().rename("\(place.path)/away", to: "\(place.path)/out")
        try diary.wait { [self] _ in times("out/ckpt-2.pt") == 1 }
        #expect(times("out/ckpt-1.pt") == 1)
    }

    @Test("what has another size when its time has come is not told before it is closed again")
    func changedMeanwhile() throws {
        try start(["*.pt"], file: .seconds(3))
        try place.write("ckpt-1.pt", "state")
        try waitForMark("seen.pt")
        try systemCall("truncate") { truncate("\(place.path)/ckpt-1.pt", 2) }
        try place.write("ckpt-2.pt", "state")
        try diary.wait(for: "closed ckpt-2.pt step 2")
        #expect(times("ckpt-1.pt") == 0)
        try place.write("ckpt-1.pt", "state")
        try diary.wait(for: "closed ckpt-1.pt step 1")
    }

    @Test("an absolute pattern finds what appears where nothing was, also through a link")
    func absolute() throws {
        try start(["\(place.path)/a/b/*.pt", "\(place.path)/link/*.pt"])
        _ = try place.makeDirectory("a")
        _ = try place.makeDirectory("a/b")
        try place.write("a/b/ckpt-1.pt", "state")
        try diary.wait(for: "closed a/b/ckpt-1.pt step 1")
        _ = try place.makeDirectory("real")
        try Disk().makeLink("\(place.path)/link", to: "real")
        try place.write("link/ckpt-2.pt", "state")
        try diary.wait(for: "closed link/ckpt-2.pt step 2")
    }

    @Test("a directory is told when it has been quiet, and again when something in it has changed")
    func directory() throws {
        try start(["out/step-*"])
        _ = try place.makeDirectory("out")
        _ = try place.makeDirectory("out/step-5")
        _ = try place.makeDirectory("out/step-5/deep")
        let file = try OpenedFile("\(place.path)/out/step-5/deep/state")
        // For twice the time that nothing must happen in.
        for _ in 0..<10 {
            try file.write(10)
            try diary.pass(.milliseconds(30))
        }
        #expect(diary.lines.isEmpty)
        file.close()
        try diary.wait(for: "closed out/step-5 step 5")
        try place.write("out/step-5/deep/more", "more")
        try diary.wait { $0.count == 2 }
        #expect(times("out/step-5") == 2)
    }

    @Test("a directory is not told while a file in it is open, or grows without being opened")
    func directoryInUse() throws {
        try start(["out/step-*", "mark*"])
        _ = try place.makeDirectory("out")
        for (number, grows) in [(1, false), (2, true)] {
            _ = try place.makeDirectory("out/step-\(number)")
            let path = "\(place.path)/out/step-\(number)/state"
            let file = try OpenedFile(path)
            try file.write(10)
            if grows { file.close() }
            for size in 11...30 {
                if grows { try systemCall("truncate") { truncate(path, off_t(size)) } }
                try diary.pass(.milliseconds(25))
            }
            #expect(times("out/step-\(number)") == 0)
            file.close()
            try diary.wait(for: "closed out/step-\(number) step \(number)")
        }
    }

    @Test("a directory that has not changed is told again only where that is asked for")
    func directoryUnchanged() throws {
        try start(["out/step-*"])
        _ = try place.makeDirectory("out")
        for number in 1...2 {
            _ = try place.makeDirectory("out/step-\(number)")
            try place.write("out/step-\(number)/state", "state")
            if number == 2 { try OpenedFile("\(place.path)/out/step-1/state").close() }
            try diary.wait(for: "closed out/step-\(number) step \(number)")
        }
        #expect(times("out/step-1") == 1)
        watch?.order(.again("\(place.path)/out/step-1"))
        try diary.wait { $0.filter { $0 == "closed out/step-1 step 1" }.count == 2 }
    }

    @Test(
        "a directory is told once what says that it is complete is in it, and not before",
        arguments: [
            (".metadata", ".metadata"), ("_SUCCESS", "_SUCCESS"), ("*/.metadata", "deep/.metadata"),
            ("*_state.json", "trainer_state.json"),
        ])
    func completeDirectory(pattern: String, name: String) throws {
        try start(["out/step-*"], complete: ["none", pattern])
        _ = try place.makeDirectory("out")
        for number in 1...3 {
            _ = try place.makeDirectory("out/step-\(number)")
            _ = try place.makeDirectory("out/step-\(number)/deep")
            try place.write("out/step-\(number)/deep/state", "state")
        }
        // The first lacks it, and was quiet for as long as the second.
        try place.write("out/step-2/\(name)", "")
        try diary.wait(for: "closed out/step-2 step 2")
        #expect(times("out/step-1") == 0)
        try place.write("out/step-1/part", "")
        try Disk().rename("\(place.path)/out/step-1/part", to: "\(place.path)/out/step-1/\(name)")
        try diary.wait(for: "closed out/step-1 step 1")
        // At the end, too.
        watch?.order(.flush)
        try diary.wait(for: "flushed")
        #expect(times("out/step-3") == 0 && diary.lines.contains("incomplete out/step-3"))
        try Disk().removeTree("\(place.path)/out/step-3")
        watch?.order(.flush)
        try diary.wait { $0.filter { $0 == "flushed" }.count == 2 }
        #expect(diary.lines.filter { $0 == "incomplete out/step-3" }.count == 1)
        #expect(times("out/step-3") == 0 && times("out/step-2") == 1)
    }

    @Test("a directory is not told while what says that it is complete is being written")
    func completionIsWritten() throws {
        try start(["out/step-*", "mark*"], complete: [".metadata"])
        _ = try place.makeDirectory("out")
        _ = try place.makeDirectory("out/step-1")
        let file = try OpenedFile("\(place.path)/out/step-1/.metadata")
        try file.write(10)
        try waitForMark("mark1")
        // For twice the time that nothing must happen in.
        try diary.pass(.milliseconds(300))
        #expect(times("out/step-1") == 0)
        file.close()
        try diary.wait(for: "closed out/step-1 step 1")
    }

    @Test("a directory that appears in one that was told is watched like what was there before")
    func deeperLater() throws {
        try start(["out/step-*"])
        _ = try place.makeDirectory("out")
        _ = try place.makeDirectory("out/step-5")
        try place.write("out/step-5/state", "state")
        for (count, change) in [(2, "directory"), (3, "file"), (4, "moved"), (5, "in moved")] {
            try diary.wait { $0.count == count - 1 }
            switch change {
            case "directory": _ = try place.makeDirectory("out/step-5/deep")
            case "file": try place.write("out/step-5/deep/more", "more")
            case "moved":
                _ = try place.makeDirectory("away")
                try Disk().rename("\(place.path)/away", to: "\(place.path)/out/step-5/away")
            default: try place.write("out/step-5/away/rest", "rest")
            }
        }
        try diary.wait { $0.count == 5 }
        #expect(times("out/step-5") == 5)
    }

    @Test("where looking begins may go and come again, and a pattern may lead upwards")
    func beginningGone() throws {
        _ = try place.makeDirectory("top")
        _ = try place.makeDirectory("top/run")
        try start(["\(place.path)/top/run/*.pt", "top/../*.pt"])
        try Disk().removeTree("\(place.path)/top")
        _ = try place.makeDirectory("top")
        _ = try place.makeDirectory("top/run")
        try place.write("top/run/ckpt-1.pt", "state")
        try diary.wait(for: "closed top/run/ckpt-1.pt step 1")
        try place.write("ckpt-2.pt", "state")
        try diary.wait(for: "closed top/../ckpt-2.pt step 2")
    }

    @Test("where looking begins may be moved away, also where what is above it is watched, too")
    func beginningMoved() throws {
        _ = try place.makeDirectory("top")
        _ = try place.makeDirectory("top/run")
        try start(["\(place.path)/top/run/*.pt", "*.pt"])
        try Disk().rename("\(place.path)/top", to: "\(place.path)/before")
        _ = try place.makeDirectory("top")
        _ = try place.makeDirectory("top/run")
        try place.write("before/run/ckpt-1.pt", "state")
        try place.write("top/run/ckpt-2.pt", "state")
        try diary.wait(for: "closed top/run/ckpt-2.pt step 2")
        #expect(diary.lines == ["closed top/run/ckpt-2.pt step 2"])
    }

    @Test("a thousand files at once are told once each")
    func thousand() throws {
        try start(["*.pt"])
        for number in 1...1000 { try place.write("ckpt-\(number).pt", "state") }
        try diary.wait { $0.count >= 1000 }
        let expected = (1...1000).map { "closed ckpt-\($0).pt step \($0)" }
        #expect(diary.lines.count == 1000)
        #expect(Set(diary.lines) == Set(expected))
    }

    @Test("a fast writer's file is told once, when all of it is there")
    func fastWriter() throws {
        // Longer than the writers are held up on a busy machine.
        try start(["*.pt"], file: .seconds(3))
        let path = "\(place.path)/ckpt-1.pt"
        let file = try OpenedFile(path)
        for _ in 0..<256 { try file.write(1 << 20) }
        file.close()
        // Others append to it, each for a moment.
        for _ in 0..<100 {
            let file = try OpenedFile(path)
            try file.write(1 << 20)
            file.close()
        }
        try diary.wait(for: "closed ckpt-1.pt step 1")
        #expect(try Disk().status(path).size == 356 << 20)
        #expect(diary.lines.count == 1)
    }

    @Test("a flush tells at once of what was closed, before it says that it is done")
    func flush() throws {
        try start(["*.pt", "d-*"], file: .seconds(1000), directory: .seconds(1000))
        let open = try OpenedFile("\(place.path)/open-1.pt")
        try open.write(10)
        try place.write("closed-2.pt", "state")
        try place.write("opened-again-4.pt", "state")
        let again = try OpenedFile("\(place.path)/opened-again-4.pt")
        _ = try place.makeDirectory("d-3")
        try place.write("d-3/file", "state")
        watch?.order(.flush)
        try diary.wait(for: "flushed")
        #expect(
            diary.lines == ["closed closed-2.pt step 2", "closed d-3 step 3", "flushed"])
        open.close()
        again.close()
    }

    @Test("what was moved into place since then is gathered, and nothing else is")
    func gather() throws {
        func move(_ name: String) throws {
            try place.write("part", "state")
            try waitForLaterTime(than: "part")
            try Disk().rename("\(place.path)/part", to: "\(place.path)/\(name)")
        }
        try move("before-1.pt")
        try waitForLaterTime(than: "before-1.pt")
        let since = Timestamp(milliseconds: wallClockNow() / 1_000_000)
        try waitForFileTime { $0 / 1_000_000 > since.milliseconds }
        try place.write("written-2.pt", "half")
        try move("moved-3.pt")
        try move("moved-4.pt")
        try start(["*.pt"])
        watch?.order(.gather(since: since))
        try diary.wait(for: "flushed")
        #expect(diary.lines == ["moved moved-3.pt step 3", "moved moved-4.pt step 4", "flushed"])
    }

    /// The clock of a file system goes in steps.
    private func waitForLaterTime(than name: String) throws {
        let time = try Disk().status("\(place.path)/\(name)").changed + 2_000_000
        try waitForFileTime { $0 > time }
    }

    /// - Parameter isReached: of the nanoseconds since 1970 that a file gets which is written now.
    private func waitForFileTime(_ isReached: (Int64) -> Bool) throws {
        try waitBriefly {
            try place.write("probe", "")
            return isReached(try Disk().status("\(place.path)/probe").modified)
        }
    }

    @Test("when the kernel has lost count, everything is looked at again")
    func overflow() throws {
        let limit = try readSmallFile("/proc/sys/fs/inotify/max_queued_events")
        let count = (Int(limit.dropLast()) ?? 0) / 2 + 1000
        try #require(count < 50_000, "this machine's queue is too long for a test")
        // On a thread of ours, so that nobody reads meanwhile.
        let (diary, home) = (diary, place.path + "/")
        let pattern = try #require(WatchPattern("*.pt"))
        let watcher = try Watcher(
            [pattern], in: place.path, on: diary.loop,
            timing: .init(file: .milliseconds(60), directory: .milliseconds(60))
        ) { event in
            for line in brief(event, in: home) { diary.note(line) }
        }
        watcher.start()
        for number in 1...count { try Disk().writeFile("\(place.path)/\(number).pt", [1]) }
        try diary.wait { $0.count >= count }
        #expect(Set(diary.lines).count == count && diary.lines.count == count)
    }

    @Test("what has taken the place of an older state is newer, though it is seen there first")
    func replaced() throws {
        _ = try place.makeDirectory("out")
        let diary = diary
        let home = place.path + "/"
        let pattern = try #require(WatchPattern("out/state*"))
        let watcher = try Watcher([pattern], in: place.path, on: diary.loop, timing: .init()) {
            for line in brief($0, in: home) { diary.note(line) }
        }
        watcher.start()
        let out = "\(place.path)/out"
        // The kernel tells of 2048 changes at once here: of all up to the rename of the older state, and
        // not of the one that brings the newer.
        try place.write("out/a", "")
        for _ in 0..<510 {
            try Disk().rename("\(out)/a", to: "\(out)/b")
            try Disk().rename("\(out)/b", to: "\(out)/a")
        }
        try bring("older", to: "\(out)/state")
        try Disk().rename("\(out)/state", to: "\(out)/state.old")
        try bring("newer one", to: "\(out)/state")
        try diary.wait { $0.count == 2 }
        #expect(diary.lines == ["moved out/state.old", "moved out/state"])
        withExtendedLifetime(watcher) {}
    }

    /// As if they had been written at the same moment, of which the clock of the files is no judge.
    private func bring(_ content: String, to path: String) throws {
        let part = FilePath(path).parent.appending("part").text
        try Disk().writeFile(part, Array(content.utf8))
        var times = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, part, &times, 0) == 0)
        try Disk().rename(part, to: path)
    }
}

private func brief(_ event: Event, in home: String) -> [String] {
    switch event {
    case .watched(let files):
        files.map { file in
            let name = file.path.below(FilePath(home))?.text ?? "?"
            let step = file.step.map { " step \($0)" } ?? ""
            return "\(file.wasMoved ? "moved" : "closed") \(name)\(step)"
        }
    case .watchIncomplete(let paths):
        paths.map { "incomplete \($0.below(FilePath(home))?.text ?? "?")" }
    case .watchFlushed: ["flushed"]
    default: ["\(event)"]
    }
}

/// A file that is being written.
private final class OpenedFile {
    private var descriptor: Int32
    private static let piece = [UInt8](repeating: 7, count: 1 << 20)

    init(_ path: String) throws {
        descriptor = try systemCall("open", path) {
            open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        }
    }

    func write(_ count: Int) throws {
        try systemCall("write") { Glibc.write(descriptor, Self.piece, count) }
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
