import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

extension Place {
    /// Compresses well, and is different for each step.
    static func weights(_ step: Int64) -> String {
        String(repeating: "weight \(step) ", count: 4_000)
    }

    func save(_ steps: ClosedRange<Int64>, _ program: Program) throws -> [String] {
        try steps.map { step in
            try program.checkpoint(step: step, files: ["state": Self.weights(step)]).id.description
        }
    }

    /// Waits until only the compressed copy of a checkpoint is there.
    func waitUntilCompressed(_ id: String) throws {
        let data = file("checkpoints/\(id)/data")
        try waitForChange(in: data) { try Disk().list(data).isEmpty }
    }

    /// A directory for PATH with a program of ours before the machine's own.
    func put(_ name: String, _ script: String) throws -> [String: String] {
        if !pathExists("\(path)/bin") { _ = try directory.makeDirectory("bin") }
        try directory.write("bin/\(name)", "#!/bin/sh\n\(script)\n", mode: 0o700)
        return ["PATH": "\(path)/bin:\(environment["PATH"] ?? "")"]
    }
}

/// By whatever of the two programs is there; where zstd is not, that says so.
private let programs = CompressionProgram.allCases.map(\.rawValue).filter {
    let isThere = pathOfProgram($0) != nil
    if !isThere { print("\($0) is not installed: it was not tested") }
    return isThere
}

@Suite("Cold compression", .onStage)
struct CompressionTests {
    @Test(
        "what was compressed is gone on from with the same bytes, after a kill -9",
        arguments: programs)
    func resume(program name: String) throws {
        let place = try Place()
        let program = try place.puppet(["--compress", name])
        try program.hello(accepts: false)
        let ids = try place.save(1...3, program)
        try place.waitUntilCompressed(ids[1])
        try place.waitUntilCompressed(ids[0])
        #expect(place.names(in: "checkpoints/\(ids[2])/data") == ["state"], "the newest stays")
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let verified = try place.call(["checkpoints", "it", "verify", "--state-dir", place.state])
        #expect(try verified.waitForEnd() == .exited(0))
        // The newest has rotted; the next one is compressed.
        try place.rot(place.file("checkpoints/\(ids[2])/data/state"))
        let again = try place.puppet(["--compress", name])
        let resume = try #require(try again.hello(accepts: false).resume)
        #expect(resume.id.description == ids[1])
        let state = try Disk().readFile("\(resume.path)/state", limit: 1 << 20)
        #expect(String(decoding: state, as: UTF8.self) == Place.weights(2))
        #expect(try place.isWhole(ids[1]))
        let aside = try place.statusOverSocket().setAside
        #expect(aside.map(\.id.description) == [ids[2]])
        #expect(aside.first?.reason.hasPrefix("data/state: ") == true)
        // It stays as the job needs it, and the one that was newest before is compressed.
        let next = try place.save(4...5, again)
        try place.waitUntilCompressed(next[0])
        #expect(place.names(in: "checkpoints/\(ids[1])/data") == ["state"])
        try place.stop(again)
    }

    @Test("a copy that has rotted is found, and the next older one is used")
    func rot() throws {
        let place = try Place()
        let program = try place.puppet(["--compress", "gzip"])
        try program.hello(accepts: false)
        let ids = try place.save(1...4, program)
        for id in ids.dropLast() { try place.waitUntilCompressed(id) }
        try place.stop(program)
        try Disk().removeTree(place.file("checkpoints/\(ids[3])"))
        let copy = place.file("checkpoints/\(ids[2])/compressed/state.gz")
        var bytes = try Disk().readFile(copy, limit: 1 << 20)
        bytes[bytes.count / 2] ^= 1
        try Disk().writeFile(copy, bytes)
        let again = try place.puppet()
        let resume = try #require(try again.hello(accepts: false).resume)
        #expect(resume.id.description == ids[1])
        try again.errorLine(with: "\(ids[2]): compressed/state.gz: SHA-256 differs")
        let state = try Disk().readFile("\(resume.path)/state", limit: 1 << 20)
        #expect(String(decoding: state, as: UTF8.self) == Place.weights(2))
        try place.stop(again)
    }

    @Test("a program that is not there is told before anything is changed")
    func missing() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--compress", "zstd"], ["/bin/true"], environment: ["PATH": place.path])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains("zstd, which is not in PATH; install it"))
        #expect(!pathExists(place.state))
    }

    @Test("where it is missing at a resume, nothing is touched")
    func missingAtResume() throws {
        let place = try Place()
        let program = try place.puppet(["--compress", "gzip"])
        try program.hello(accepts: false)
        let ids = try place.save(1...2, program)
        try place.waitUntilCompressed(ids[0])
        try place.stop(program)
        let before = try place.fingerprint(of: place.file("checkpoints"))
        let again = try place.supervise(
            ["--resume-from", ids[0], "--adopt"], ["/bin/true"], environment: ["PATH": place.path])
        #expect(try again.waitForEnd() == .exited(125))
        #expect(again.text(.errors).contains("gzip is needed for"))
        #expect(try place.fingerprint(of: place.file("checkpoints")) == before)
    }

    @Test("a program that is killed at its work, or fails, costs nothing but the saving")
    func killed() throws {
        let place = try Place()
        let broken = try place.put("gzip", "head -c 100; kill -9 $$")
        let program = try place.puppet(["--compress", "gzip"], environment: broken)
        try program.hello(accepts: false)
        let ids = try place.save(1...3, program)
        try program.errorLine(with: "is not compressed: gzip failed")
        for id in ids { #expect(try place.isWhole(id)) }
        // The next commit is another chance.
        try Disk().removeFile("\(place.path)/bin/gzip")
        _ = try place.save(4...4, program)
        try place.waitUntilCompressed(ids[1])
        #expect(place.names(in: "checkpoints/\(ids[0])").contains("SHA256SUMS"))
        let told = program.lines(.errors).filter { $0.contains("is not compressed") }
        #expect(told.count == 1)
        try place.stop(program)
    }

    @Test("no stop, no restart and no end waits for a program that hangs, and it ends with us")
    func hangs() throws {
        let place = try Place()
        let hanging = try place.put("gzip", "echo $$ >> '\(place.path)/pids'; exec sleep 1000")
        let program = try place.puppet(["--compress", "gzip"], environment: hanging)
        try program.hello(accepts: false)
        func tool(_ number: Int) throws -> String {
            var pids: [Substring] = []
            try waitForChange(in: place.path) {
                pids = ((try? place.directory.read("pids")) ?? "").split(separator: "\n")
                return pids.count >= number
            }
            return String(pids[number - 1])
        }
        _ = try place.save(1...2, program)
        let first = try tool(1)
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(pathExists("/proc/\(first)"), "it is no part of the job")
        try program.hello(accepts: false)
        try place.stop(program)
        try waitBriefly { !pathExists("/proc/\(first)") }
        let again = try place.puppet(["--compress", "gzip"], environment: hanging)
        let second = try tool(2)
        try again.signal(9)
        #expect(try again.waitForEnd() == .signaled(9))
        try waitBriefly { !pathExists("/proc/\(second)") }
    }

    @Test("commands use what is compressed as if it were not")
    func commands() throws {
        let place = try Place()
        let program = try place.puppet(["--compress", "gzip"])
        try program.hello(accepts: false)
        let ids = try place.save(1...2, program)
        try place.waitUntilCompressed(ids[0])
        func call(_ words: String...) throws -> String {
            let call = try place.call(
                ["checkpoints", "it"] + words + ["--state-dir", place.state])
            #expect(try call.waitForEnd() == .exited(0), "\(call.text(.errors))")
            return call.text(.output)
        }
        #expect(try call("show", ids[0]).contains("compressed"))
        #expect(try call("verify", ids[0]).contains("good"))
        #expect(place.names(in: "checkpoints/\(ids[0])/data").isEmpty)
        let path = try call("path", ids[0]).split(separator: "\n").first.map(String.init) ?? ""
        let state = try Disk().readFile("\(path)/state", limit: 1 << 20)
        #expect(String(decoding: state, as: UTF8.self) == Place.weights(1))
        try place.stop(program)
    }
}
