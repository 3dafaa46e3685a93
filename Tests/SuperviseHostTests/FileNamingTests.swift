import Glibc
import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// All ways by which a complete file or directory gets its name, done by a shell and by python.
@Suite("A complete file that gets its name")
final class FileNamingTests {
    private let diary: Diary
    private let place: TemporaryDirectory
    private var watch: FileWatch?

    init() throws {
        diary = try Diary()
        place = try TemporaryDirectory()
    }

    struct Way: Sendable, CustomTestStringConvertible {
        var name: String
        /// Python; what gets its name is `out/x/state`.
        var script: String
        /// It shows that the content was complete before.
        var isNamed = true
        var isDirectory = false

        var testDescription: String { "\(name)\(isDirectory ? ", a directory" : "")" }

        static let all: [Way] = files + directories

        private static let files: [Way] = [
            .init(name: "rename", script: "make('part'); os.rename('part', 'out/x/state')"),
            .init(
                name: "rename while it is open",
                script: """
                    file = open('part', 'w'); file.write('state'); file.flush()
                    os.rename('part', 'out/x/state'); time.sleep(0.3); file.close()
                    """),
            .init(
                name: "link and unlink",
                script: "make('part'); later(); os.link('part', 'out/x/state'); os.unlink('part')"),
            .init(
                name: "link, and the other name stays",
                script: "make('part'); later(); os.link('part', 'out/x/state')"),
            .init(
                name: "link at once",
                script: "make('part'); os.link('part', 'out/x/state'); os.unlink('part')",
                isNamed: false),
            .init(
                name: "O_TMPFILE and linkat",
                script: "fd = unnamed('.'); later(); give(fd, 'out/x/state'); os.close(fd)"),
            .init(
                name: "O_TMPFILE and linkat, open for a while",
                script: """
                    fd = unnamed('out/x'); later(); give(fd, 'out/x/state'); time.sleep(0.5)
                    os.close(fd)
                    """),
            .init(
                name: "O_TMPFILE and linkat at once, open for a while",
                script: "fd = unnamed('out/x'); give(fd, 'out/x/state'); time.sleep(0.5)",
                isNamed: false),
            .init(name: "close after write", script: "make('out/x/state')", isNamed: false),
            .init(
                name: "reflink copy, else plain",
                script: "make('part'); shell('cp --reflink=auto part out/x/state')",
                isNamed: false),
            .init(
                name: "mv from another file system",
                script: "make('/dev/shm/' + word); shell('mv /dev/shm/' + word + ' out/x/state')",
                isNamed: false),
            .init(
                name: "rename of its directory",
                script: "os.rmdir('out/x'); os.mkdir('y'); make('y/state'); os.rename('y', 'out/x')"
            ),
            .init(
                name: "rename of the directory above that",
                script: """
                    shell('rm -r out; mkdir -p new/x'); make('new/x/state')
                    os.rename('new', 'out')
                    """),
        ]

        private static let directories: [Way] = [
            .init(
                name: "rename", script: "os.mkdir('d'); make('d/a'); os.rename('d', 'out/x/state')",
                isDirectory: true),
            .init(
                name: "written in place",
                script: "os.mkdir('out/x/state'); make('out/x/state/a')", isNamed: false,
                isDirectory: true),
            .init(
                name: "filled by link",
                script: "make('part'); os.mkdir('out/x/state'); os.link('part', 'out/x/state/a')",
                isNamed: false, isDirectory: true),
            .init(
                name: "rename of its directory",
                script: """
                    os.rmdir('out/x'); shell('mkdir -p y/state'); make('y/state/a')
                    os.rename('y', 'out/x')
                    """, isDirectory: true),
            .init(
                name: "mv from another file system",
                script: """
                    os.mkdir('/dev/shm/' + word); make('/dev/shm/' + word + '/a')
                    shell('mv /dev/shm/' + word + ' out/x/state')
                    """, isNamed: false, isDirectory: true),
        ]
    }

    private static let prelude = """
        import ctypes, os, sys, time
        word = 'supervise-test-%d' % os.getpid()
        def make(path):
            with open(path, 'w') as file: file.write('state')
        def later():
            # The clock of a file system goes in steps.
            os.utime('.')
            before = os.stat('.').st_ctime_ns
            while os.stat('.').st_ctime_ns - before < 20_000_000: os.utime('.')
        def shell(line):
            if os.system(line) != 0: sys.exit(line)
        def unnamed(directory):
            fd = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600)
            os.write(fd, b'state')
            return fd
        def give(fd, path):
            name = b'/proc/self/fd/%d' % fd
            if ctypes.CDLL(None).linkat(-100, name, -100, path.encode(), 0x400) != 0:
                sys.exit('linkat')

        """

    @Test("is told once, by whatever way it gets that", arguments: Way.all)
    func told(way: Way) throws {
        _ = try place.makeDirectory("out")
        _ = try place.makeDirectory("out/x")
        let diary = diary
        watch = try FileWatch(
            [try #require(WatchPattern("out/*/state")), try #require(WatchPattern("end"))],
            in: place.path, on: diary.loop,
            timing: .init(file: .milliseconds(100), directory: .milliseconds(200))
        ) { event in
            guard case .watched(let files) = event else { return diary.note("\(event)") }
            for file in files {
                diary.note("\(file.wasMoved ? "named" : "closed") \(file.path.name)")
            }
        }
        let program = try Program(
            ["python3", "-c", Self.prelude + way.script],
            environment: ["PATH": environmentVariable("PATH") ?? "/usr/bin:/bin"],
            directory: place.path)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        try diary.wait { $0.contains { $0.hasSuffix("state") } }
        // And nothing follows.
        try place.write("end", "end")
        try diary.wait(for: "closed end")
        let lines = diary.lines
        #expect(lines.count == 2, "\(lines)")
        if way.isNamed { #expect(lines.first == "named state") }
    }

    @Test("a symbolic link is no file of the job's, wherever it leads")
    func symbolicLink() throws {
        let diary = diary
        watch = try FileWatch(
            [try #require(WatchPattern("*"))], in: place.path, on: diary.loop,
            timing: .init(file: .milliseconds(50), directory: .milliseconds(50))
        ) { event in
            guard case .watched(let files) = event else { return }
            for file in files { diary.note("told \(file.path.name)") }
        }
        try Disk().makeLink("\(place.path)/link", to: "state")
        try place.write("state", "state")
        try diary.wait(for: "told state")
        #expect(diary.lines == ["told state"])
    }
}
