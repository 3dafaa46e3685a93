import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A program whose exec does not come to its end, as on a file system of a network that is gone.
@Suite("An exec that hangs", .onStage)
struct HungExecTests {
    /// A program that nobody can open before this is gone or the kernel's patience, 45 s: there is a
    /// lease on it (man 2 fcntl, F_SETLEASE).
    private final class HeldProgram {
        let path: String
        private var file: FileDescriptor?
        private static let (setLease, setSignal): (Int32, Int32) = (1024, 10)

        init(_ place: Place, _ script: String) throws {
            _ = try place.put("held", script)
            path = "\(place.path)/bin/held"
            let file = FileDescriptor(
                adopting: try systemCall("open") { open(path, O_RDONLY | O_CLOEXEC) })
            let number = file.rawValue
            // We are told when somebody waits for it, by a signal that harms nobody.
            try systemCall("fcntl") { fcntl(number, Self.setSignal, SIGURG) }
            // Another test's child may have it open for a moment, from before its exec.
            try waitBriefly { fcntl(number, Self.setLease, Int32(F_WRLCK)) == 0 }
            self.file = consume file
        }

        func letGo() { file = nil }
    }

    @Test("holds up neither what is recorded nor a stop")
    func stop() throws {
        let place = try Place()
        let held = try HeldProgram(place, "echo started; read x")
        let program = try place.supervise(
            ["--stop-timeout", "300ms"], [held.path], hasInput: true)
        try waitBriefly { try place.status().attempt == 1 }
        #expect(try place.status().phase == .running && place.status().jobPID == nil)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome?.kind == .stopped)
        held.letGo()
        #expect(!program.text(.output).contains("started"))
    }

    @Test("goes on when it can")
    func goesOn() throws {
        let place = try Place()
        let held = try HeldProgram(place, "echo started")
        let program = try place.supervise([], [held.path])
        try waitBriefly { try place.status().attempt == 1 }
        held.letGo()
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.text(.output) == "started\n")
    }
}
