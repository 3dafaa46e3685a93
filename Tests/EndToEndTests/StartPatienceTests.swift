import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A shortage that outlasts the patience of a start, by a clock that a test moves.
@Suite(
    "A shortage that does not end", .onStage,
    .enabled(
        if: userId() == 0 && Preload.isUsable && Strace.isUsable,
        "it needs root, strace and a compiler"))
struct StartPatienceTests {
    @Test(
        "ends a start with 125 after 30 s of tries, with what to do and nothing left behind",
        arguments: [
            ("clone", "EAGAIN", "raise the limit of processes"), ("pipe2", "ENOMEM", "memory"),
        ])
    func patience(call: String, error: String, advice: String) throws {
        let place = try Place()
        let clock = try Preload(in: place)
        let program = try place.start(
            [
                "strace", "-o", "\(place.path)/strace", "-e", "trace=\(call)", "-e", "signal=none",
                "-e", "inject=\(call):error=\(error)", "-E", "LD_PRELOAD=\(clock.library)", "-E",
                "PRELOAD=\(clock.directory)", place.binary,
            ] + place.arguments([]) + ["sh", "-c", "echo ran"])
        let line = try program.errorLine(with: "trying again for up to 30 s")
        #expect(line.contains(advice))
        #expect(!(try program.passes(.milliseconds(300))))
        try clock.setUptime(29)
        #expect(!(try program.passes(.milliseconds(300))))
        try clock.setUptime(31)
        #expect(try program.waitForEnd() == .exited(125))
        #expect(!program.text(.output).contains("ran"))
        #expect(program.lines(.errors).count { $0.contains("trying again") } == 1)
        // The next start begins as if nothing had been.
        let again = try place.supervise([], ["sh", "-c", "echo attempt $SUPERVISE_ATTEMPT"])
        #expect(try again.waitForEnd() == .exited(0))
        #expect(again.lines(.output) == ["attempt 1"])
    }
}
