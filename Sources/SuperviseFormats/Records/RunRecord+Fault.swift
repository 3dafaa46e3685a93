/// A record that can be read as one, and yet holds what no supervisor has written: edited by hand, or
/// rotten in a way that JSON does not show. Its numbers are counted on, so none may be believed that
/// leaves no room for the next.
extension RunRecord {
    /// So far doubles count exactly, and nobody counts farther.
    private static let most = 1 << 53

    /// What is wrong with it, such as `"attempt" is -1`; nil where it may be believed.
    package var fault: String? {
        for (key, value) in counts where value < 0 || value > Self.most {
            return "\"\(key)\" is \(value)"
        }
        if sequence > CheckpointID.mostSequence { return "\"sequence\" is \(sequence)" }
        if RunName(name) == nil { return "\"name\" is no run's name" }
        if command.first?.isEmpty ?? true { return "\"command\" is empty" }
        if !FilePath(directory).isAbsolute { return "\"directory\" is no absolute path" }
        if let checkpointDirectory, !FilePath(checkpointDirectory).isAbsolute {
            return "\"checkpoint_directory\" is no absolute path"
        }
        if format.isFirst, checkpointDirectory == nil {
            return "the key \"checkpoint_directory\" is missing"
        }
        if let program, !FilePath(program).isAbsolute {
            return "\"program\" is no absolute path"
        }
        if let home, !FilePath(home.path).isAbsolute {
            return "\"home.path\" is no absolute path"
        }
        if let sharedThrough, !(0...CheckpointID.mostSequence).contains(sharedThrough) {
            return "\"shared_through\" is \(sharedThrough)"
        }
        if !Self.isToken(runToken, digits: 16) { return "\"run_token\" is not 16 digits" }
        if let current, !Self.isToken(current.token, digits: 32) {
            return "\"current.token\" is not 32 digits"
        }
        return branchFault
    }

    private var branchFault: String? {
        var last: Int64 = 0
        for fork in branches {
            let parent = fork.parent ?? 0
            guard fork.first > last, fork.first <= CheckpointID.mostSequence + 1, parent >= 0,
                parent < fork.first
            else { return "\"branches\" has a fork at \(fork.first) from \(parent)" }
            last = fork.first
        }
        return nil
    }

    private var counts: [(String, Int)] {
        [
            ("attempt", attempt), ("attempts_reserved", attemptsReserved ?? 0),
            ("sequence", Int(clamping: sequence)), ("commits", commits),
            ("failures.total", failures.total),
            ("failures.without_progress", failures.withoutProgress),
        ] + failures.suspects.map { ("failures.suspects.\($0.key)", $0.value) }
    }

    private static func isToken(_ text: String, digits: Int) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}

extension Manifest {
    /// What is wrong with its sizes; nil where they can be added up.
    package var fault: String? {
        var sum: Int64 = 0
        for file in files {
            let (next, overflow) = sum.addingReportingOverflow(file.bytes)
            guard file.bytes >= 0, !overflow, next < 1 << 60 else {
                return "it gives a file \(file.bytes) bytes"
            }
            sum = next
        }
        return nil
    }
}
