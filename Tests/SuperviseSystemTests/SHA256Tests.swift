import Glibc
import SuperviseSystem
import Testing

/// The implementations that this machine can run, each of which has to pass everything.
private let runnable = SHA256.Implementation.allCases.filter { SHA256($0) != nil }

@Suite("SHA-256")
struct SHA256Tests {
    @Test("the published digests come out of every implementation", arguments: runnable)
    func vectors(implementation: SHA256.Implementation) throws {
        for (message, expected) in publishedVectors {
            #expect(try digest(of: message, with: implementation).hex == expected)
        }
    }

    @Test("a million times the letter a, in pieces of 997 bytes", arguments: runnable)
    func millionLetters(implementation: SHA256.Implementation) throws {
        let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        let hex = try digest(of: letters, with: implementation, inPiecesOf: 997).hex
        #expect(hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// Section 6.4 of the Secure Hash Algorithm Validation System: a chain of 100,000 digests, each
    /// of the three before it, with the seed and checkpoints of SHA256Monte.rsp. One wrong bit
    /// anywhere spoils all that follow.
    @Test("the published chain of a hundred thousand digests holds", arguments: runnable)
    func monteCarlo(implementation: SHA256.Implementation) throws {
        let checkpoints = [
            0: "e93c330ae5447738c8aa85d71a6c80f2a58381d05872d26bdd39f1fcd4f2b788",
            1: "2e78f8c8772ea7c9331d41ed3f9cdf27d8f514a99342ee766ee3b8b0d0b121c0",
            19: "52519e6319505df7a9aa83778618ec10b78c5771bac50e8d3f59bc815dabfb1f",
            59: "ae5a4fdc779d808ba898966c8c14a6c9894107ef3e1d680f6ae37e95cb7e1b67",
            99: "6a912ba4188391a78e6f13d88ed2d14e13afce9db6f7dcbf4a48c24f3db02778",
        ]
        var seed = try #require(
            Digest(hex: "6d1e72ad03ddeb5de891e572e2396f8da015d899ef0e79503152d6010a3fe691"))
        for round in 0..<100 {
            var window = seed.bytes + seed.bytes + seed.bytes
            for _ in 0..<1000 {
                seed = try digest(of: window, with: implementation)
                window.removeFirst(32)
                window += seed.bytes
            }
            if let expected = checkpoints[round] { #expect(seed.hex == expected, "round \(round)") }
        }
    }

    @Test("every length to 300, in pieces of any size, gives one digest", arguments: runnable)
    func lengthsAndPieces(implementation: SHA256.Implementation) throws {
        var random = SplitMix(seed: 1)
        for length in 0...300 {
            let message = random.bytes(length)
            let expected = try digest(of: message, with: .portable)
            #expect(try digest(of: message, with: implementation) == expected, "length \(length)")
            for size in [1, 3, 31, 55, 63, 64, 65, 127, 129] {
                let pieced = try digest(of: message, with: implementation, inPiecesOf: size)
                #expect(pieced == expected, "length \(length) in pieces of \(size)")
            }
        }
    }

    @Test("where in memory a message lies makes no difference", arguments: runnable)
    func alignment(implementation: SHA256.Implementation) throws {
        var random = SplitMix(seed: 2)
        let message = random.bytes(1000)
        let expected = try digest(of: message, with: .portable)
        for offset in 0..<16 {
            let shifted = [UInt8](repeating: 0, count: offset) + message
            var hash = try #require(SHA256(implementation))
            shifted.withUnsafeBytes { hash.update(.init(rebasing: $0[offset...])) }
            #expect(hash.finish() == expected, "offset \(offset)")
        }
    }

    @Test("a copy goes on by itself, and finishing changes nothing")
    func copies() {
        let message = Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
        var hash = SHA256()
        message.prefix(3).withUnsafeBytes { hash.update($0) }
        var other = hash
        #expect(hash.finish() == Digest.of(Array("abc".utf8)))
        [UInt8(0xff)].withUnsafeBytes { other.update($0) }
        message.dropFirst(3).withUnsafeBytes { hash.update($0) }
        hash.update(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(hash.finish() == Digest.of(message))
        #expect(hash.finish() == Digest.of(message))
        #expect(other.finish() != hash.finish())
    }

    @Test("the processor's instructions are used exactly where the kernel lists them")
    func choice() throws {
        let words = Set(try read("/proc/cpuinfo").split { " \t\n".contains($0) })
        let fastest = SHA256.Implementation.fastest
        #if arch(x86_64)
            let has = words.isSuperset(of: ["sha_ni", "ssse3", "sse4_1"])
            #expect(fastest == (has ? .x86 : .portable))
        #elseif arch(arm64)
            #expect(fastest == (words.contains("sha2") ? .arm : .portable))
        #else
            #expect(fastest == .portable && !words.isEmpty)
        #endif
        #expect(runnable.contains(.portable) && runnable.contains(fastest))
        #expect(Set(SHA256.Implementation.allCases.map(\.name)).count == 3)
    }

    @Test("the sha256sum program finds the same in files of random bytes")
    func sha256sum() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        var template = Array("/tmp/supervise-sha256-XXXXXX".utf8CString)
        let directory = String(cString: try #require(mkdtemp(&template)))
        defer { rmdir(directory) }

        var sizes = [0, 1, 55, 56, 63, 64, 65, 4095, 1 << 20]
        for _ in 0..<8 { sizes.append(Int.random(in: 0..<300_000, using: &random)) }
        let messages = sizes.map { random.bytes($0) }
        let paths = messages.indices.map { "\(directory)/\($0)" }
        defer { for path in paths { unlink(path) } }
        for (path, message) in zip(paths, messages) { try write(message, to: path) }

        let pipe = try #require(popen("exec sha256sum \(paths.joined(separator: " "))", "re"))
        let lines = contents(of: pipe).split(separator: "\n")
        // What the program printed decides; its status may have been reaped by a test of reaping.
        pclose(pipe)
        for implementation in runnable {
            let own = try zip(messages, paths).map {
                "\(try digest(of: $0, with: implementation).hex)  \($1)"
            }
            #expect(lines.map(String.init) == own, "seed \(seed), \(implementation)")
        }
    }

    @Test("a digest reads the hexadecimal digits that it writes, and nothing else")
    func hexadecimal() throws {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let digest = try #require(Digest(hex: text))
        #expect(digest == Digest.of(Array("abc".utf8)))
        #expect(digest.hex == text && "\(digest)" == text)
        #expect(digest.bytes.count == 32 && digest.bytes[0] == 0xba && digest.bytes[31] == 0xad)
        #expect(Digest(hex: text.uppercased()) == digest)
        for bad in ["", String(text.dropLast()), text + "0", "\(text) ", "g" + text.dropFirst()] {
            #expect(Digest(hex: bad) == nil, "\(bad)")
        }
        #expect(Digest(hex: "+" + text.dropFirst()) == nil)
        #expect(Digest(hex: "é" + text.dropFirst(2)) == nil)
    }
}

/// FIPS 180-2 appendix B and NIST's examples, then from the CAVP files SHA256ShortMsg.rsp and
/// SHA256LongMsg.rsp the messages of 1 to 5, 56, 64 and 163 bytes.
private let publishedVectors: [(message: [UInt8], digest: String)] = [
    ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
        Array(
            ("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu").utf8),
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
    (bytes("d3"), "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
    (bytes("11af"), "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"),
    (bytes("b4190e"), "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"),
    (bytes("74ba2521"), "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e"),
    (bytes("c299209682"), "f0887fe961c9cd3beab957e8222494abb969b1ce4c6557976df8b0f6d20e9166"),
    (
        bytes(
            "2d52447d1244d2ebc28650e7b05654bad35b3a68eedc7f8515306b496d75f3e7"
                + "3385dd1b002625024b81a02f2fd6dffb6e6d561cb7d0bd7a"),
        "cfb88d6faf2de3a69d36195acec2e255e2af2b7d933997f348e09f6ce5758360"
    ),
    (
        bytes(
            "5a86b737eaea8ee976a0a24da63e7ed7eefad18a101c1211e2b3650c5187c2a8"
                + "a650547208251f6d4237e661c7bf4c77f335390394c37fa1a9f9be836ac28509"),
        "42e61e174fbb3897d6dd6cef3dd2802fe67b331953b06114a65c772859dfc1aa"
    ),
    (
        bytes(
            "451101250ec6f26652249d59dc974b7361d571a8101cdfd36aba3b5854d3ae08"
                + "6b5fdd4597721b66e3c0dc5d8c606d9657d0e323283a5217d1f53f2f284f57b8"
                + "5c8a61ac8924711f895c5ed90ef17745ed2d728abd22a5f7a13479a462d71b56"
                + "c19a74a40b655c58edfe0a188ad2cf46cbf30524f65d423c837dd1ff2bf462ac"
                + "4198007345bb44dbb7b1c861298cdf61982a833afc728fae1eda2f87aa2c9480"
                + "858bec"),
        "3c593aa539fdcdae516cdf2f15000f6634185c88f505b39775fb9ab137a10aa2"
    ),
]

/// The bytes that pairs of hexadecimal digits stand for; a typing error in a vector shows as a
/// wrong digest.
private func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
}

private func digest(
    of message: [UInt8], with implementation: SHA256.Implementation, inPiecesOf size: Int = .max
) throws -> Digest {
    var hash = try #require(SHA256(implementation))
    message.withUnsafeBytes { buffer in
        var rest = buffer[...]
        while !rest.isEmpty {
            hash.update(UnsafeRawBufferPointer(rebasing: rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
    }
    return hash.finish()
}

private func write(_ message: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "wxe"), "\(path): \(errorText(errno))")
    defer { fclose(file) }
    #expect(fwrite(message, 1, message.count, file) == message.count)
}

private func read(_ path: String) throws -> String {
    let file = try #require(fopen(path, "re"), "\(path): \(errorText(errno))")
    defer { fclose(file) }
    return contents(of: file)
}

/// Everything to the end of an open stream, as text.
private func contents(of file: UnsafeMutablePointer<FILE>) -> String {
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        if count == 0 { return String(decoding: text, as: UTF8.self) }
        text += chunk[..<count]
    }
}

/// Random numbers that one seed brings back: Steele, Lea and Flood's SplitMix64.
private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes += $0 } }
        return Array(bytes.prefix(count))
    }
}
