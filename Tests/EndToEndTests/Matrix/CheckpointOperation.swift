import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// An operation on a checkpoint: a column of the matrix. A feature that does something else with
/// checkpoints adds a line.
struct CheckpointOperation: Sendable, CustomTestStringConvertible {
    let name: String
    let check: @Sendable (MatrixScene) throws -> Void

    var testDescription: String { name }

    static let all: [CheckpointOperation] = [
        .init(name: "export") { try $0.export() },
        .init(name: "verify") { try $0.verify() },
        .init(name: "resume") { try $0.resume() },
        .init(name: "prune") { try $0.prune() },
        .init(name: "archive") { try $0.archive() },
        .init(name: "move the state") { try $0.move() },
        .init(name: "copy the state") { try $0.copy() },
    ]
}

extension MatrixScene {
    fileprivate func export() throws {
        let before = try place.fingerprint(of: place.state)
        // A name of its own, also for a single file, whatever the checkpoint's is.
        let target = "\(place.path)/copy"
        let text = try supervise(["checkpoints", "it", "export", id, target])
        #expect(text.contains("verified"))
        #expect(try Tree.read(FilePath(target)) == expected)
        #expect(try place.fingerprint(of: place.state) == before)
        #expect(try !Disk().list(place.path).contains { $0.name.contains(".partial") })
    }

    fileprivate func verify() throws {
        #expect(try supervise(["checkpoints", "it", "verify"]).contains("all good"))
        let shown = try supervise(["checkpoints", "it", "show", id])
        let isCompressed = kind.compression != nil && !kind.isOutside
        #expect(shown.contains("on the disk") == isCompressed)
        // And it does see a difference.
        try damage()
        let text = try supervise(["checkpoints", "it", "verify"], status: 1)
        #expect(text.contains("\(id)  BAD") && text.contains("1 of 3"), "\(text)")
        try supervise(["checkpoints", "it", "export", id, "\(place.path)/copy"], status: 1)
        #expect(!pathExists("\(place.path)/copy") && !pathExists("\(place.path)/copy.partial"))
    }

    /// Changes a byte of a file, or of its only copy.
    private func damage() throws {
        let tops =
            kind.isOutside
            ? [outside().text] : ["compressed", "data"].map { "\(checkpoint())/\($0)" }
        let top = FilePath(try #require(tops.first(where: pathExists)))
        let files = try Tree.read(top).entries.filter { name, entry in
            if case .file(let text, _) = entry { !text.isEmpty } else { false }
        }
        let name = try #require(files.keys.min())
        let path = name == "" ? top.text : top.appending(name.text).text
        var bytes = try Disk().readFile(path, limit: 64 << 20)
        bytes[bytes.count / 2] ^= 1
        try Disk().writeFile(path, bytes)
    }

    fileprivate func resume(state: String? = nil) throws {
        let program = try start(["--resume-from", id], state: state)
        let resume = try #require(try program.hello(accepts: false).resume)
        #expect(resume.id.description == id)
        #expect(try Tree.read(FilePath(resume.path)) == expected)
        if kind.isOutside {
            #expect(FilePath(resume.path) == outside())
        } else {
            #expect(FilePath(resume.path).isBelow(FilePath("\(checkpoint(in: state))/data")))
        }
        // The job itself may read all of it, and so may everybody who verifies it.
        try program.say(
            "run find \"$SUPERVISE_CHECKPOINT\" -type f -exec cat {} + > /dev/null && echo readable"
        )
        try program.line(starting: "readable")
        try program.checkpoint(step: 40)
        try place.stop(program)
        let verified = try supervise(["checkpoints", "it", "verify"], state: state)
        #expect(verified.contains("all good"))
        #expect(!verified.contains("3 checkpoints"), "the new one is elsewhere")
    }

    fileprivate func prune() throws {
        try supervise(["prune", "it", "--keep-last", "1"])
        #expect(place.checkpoints == (kind.isPinned ? [id, ids[2]] : [ids[2]]))
        #expect(place.names(in: "trash").isEmpty && place.names(in: "staging").isEmpty)
        if kind.isPinned {
            #expect(try supervise(["checkpoints", "it", "verify"]).contains("all good"))
        }
        let isGone = kind.added == .move || kind.added == .own && !kind.isPinned
        if kind.added != nil { #expect(whatIsOutside == (isGone ? nil : expected)) }
        #expect(try supervise(["checkpoints", "it", "verify", ids[2]]).contains("good"))
    }

    fileprivate func archive() throws {
        let program = try start(["--fresh"])
        #expect(try program.hello(accepts: false).resume == nil)
        try place.stop(program)
        let archive = "\(place.state)/.archive"
        let label = try #require(try Disk().list(archive).map(\.name).first { $0.hasPrefix("it-") })
        let checkpoint = "\(archive)/\(label)/checkpoints/\(id)"
        // What everybody's tools say of it, in its new place.
        let list = pathExists("\(checkpoint)/SHA256SUMS.compressed") ? ".compressed" : ""
        try shell("cd \"$1\" && sha256sum --strict --quiet -c SHA256SUMS$2", checkpoint, list)
        if kind.added != nil, kind.added != .move { #expect(whatIsOutside == expected) }
        if kind.isPinned { #expect(pathExists("\(archive)/\(label)/pins.json")) }
    }

    fileprivate func move() throws {
        let elsewhere = "\(place.path)/elsewhere"
        try shell(
            "mkdir \"$1\" && chmod 711 \"$1\" && mv \"$2\" \"$1/moved\"", elsewhere, place.state)
        try resume(state: "\(elsewhere)/moved")
        #expect(!pathExists(place.state))
    }

    fileprivate func copy() throws {
        let copy = "\(place.path)/copied"
        try shell("cp -a \"$1\" \"$2\"", place.state, copy)
        let before = try place.fingerprint(of: place.state)
        try resume(state: copy)
        #expect(try place.fingerprint(of: place.state) == before)
        // And so does the original go on.
        try resume()
    }
}
