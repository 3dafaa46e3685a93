import SuperviseSystem
import TestSupport
import Testing

/// Runs of root, and a user who asks for them.
@Suite(
    "A run that is closed to whoever asks", .onStage,
    .enabled(if: userId() == 0, "only root can do that"))
struct ClosedRunTests {
    private let place: Place

    init() throws {
        place = try Place()
        for name in ["theirs", "open"] {
            let run = try place.call(place.arguments([], name: name) + ["true"])
            #expect(try run.waitForEnd() == .exited(0))
        }
        try prepare(
            "chmod 711 .; install -m 755 '\(place.binary)' .; chmod 755 state; chmod -R a+rX state/open"
        )
    }

    private func prepare(_ line: String) throws {
        let prepared = try place.start(["sh", "-euc", line])
        #expect(try prepared.waitForEnd() == .exited(0))
    }

    private func ask(_ words: [String]) throws -> Program {
        let user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        return try place.start(
            user + ["\(place.path)/supervise"] + words + ["--state-dir", place.state])
    }

    @Test(
        "says what cannot be read, and how it can",
        arguments: [
            "status", "events", "logs", "checkpoints", "checkpoint", "stop", "resume", "prune",
        ])
    func named(command: String) throws {
        let asked = try ask([command, "theirs"])
        #expect(try asked.waitForEnd() == .exited(125))
        #expect(asked.text(.output) == "")
        #expect(
            asked.lines(.errors) == [
                "supervise: run theirs: user 65534 may not read \(place.state)/theirs; call it as "
                    + "its owner, or as root: sudo supervise \(command) theirs"
            ])
    }

    @Test("is told of where there is no other")
    func unnamed() throws {
        try prepare("rm -r state/open")
        let asked = try ask(["status"])
        #expect(try asked.waitForEnd() == .exited(125))
        #expect(
            asked.lines(.errors) == [
                "supervise: there are no runs in \(place.state), and user 65534 may not read "
                    + "\(place.state)/theirs; call it as its owner, or as root: sudo supervise status"
            ])
    }

    @Test("hides none of the others from a list, nor from what is done to all")
    func others() throws {
        try prepare("chmod -R a+rwX state/.locks state/open")
        for words in [["list"], ["prune", "--all", "--dry-run"]] {
            let asked = try ask(words)
            #expect(try asked.waitForEnd() == .exited(1))
            #expect(asked.lines(.output).contains { $0.hasPrefix("open") }, "\(words)")
            #expect(
                asked.lines(.errors) == [
                    "supervise: user 65534 may not read \(place.state)/theirs; call it as its owner, "
                        + "or as root: sudo supervise \(words.prefix(2).joined(separator: " "))"
                ])
        }
        try prepare("chmod 700 state/open")
        let asked = try ask(["list", "--json"])
        #expect(try asked.waitForEnd() == .exited(1))
        #expect(asked.lines(.output) == ["[]"])
        let several = "user 65534 may not read 2 runs in \(place.state) (open, theirs); "
        #expect(asked.text(.errors).contains(several), "\(asked.text(.errors))")
    }
}
