import SuperviseSystem

/// What is found after the power was cut. Of what was not synced, a seed decides what is there: a
/// journal keeps the changes of one directory in their order, but how far it came with each of them
/// is its own affair; of a file's changes some were written, and the last of these perhaps in part.
extension CrashWorld {
    /// How much of what was not synced survives.
    private enum Severity {
        case nothingSurvives, namesSurvive, contentSurvives, allSurvives, chance

        init(seed: UInt64) {
            switch seed {
            case 0: self = .nothingSurvives
            case 1: self = .namesSurvive
            case 2: self = .contentSurvives
            case 3: self = .allSurvives
            default: self = .chance
            }
        }
    }

    /// - Parameter seed: 0 loses all that was not synced, 1 keeps names and loses content, 2 keeps
    ///   content and loses names, 3 keeps both, as when only the process was killed; any other
    ///   leaves it to chance.
    func afterPowerCut(seed: UInt64) -> CrashWorld {
        var numbers = SeededNumbers(seed: seed)
        let severity = Severity(seed: seed)
        var found = self
        found.hardenSome(severity, &numbers)
        found.nameChanges = []
        found.calls = []
        found.mutations = 0
        found.crashAfter = nil
        found.hasCrashed = false
        found.faults = []
        for inode in found.inodes.keys.sorted() {
            switch found.inodes[inode]?.body {
            case .file(let file):
                let content = Self.survivor(of: file, severity, &numbers)
                found.inodes[inode]?.body = .file(File(content: content, durable: content))
            case .directory(_, let durable):
                found.inodes[inode]?.body = .directory(entries: durable, durable: durable)
            case .link, nil: break
            }
        }
        return found
    }

    private mutating func hardenSome(_ severity: Severity, _ numbers: inout SeededNumbers) {
        var stopped: Set<Int> = []
        for change in nameChanges {
            let touched = change.edits.map(\.directory)
            let isKept =
                switch severity {
                case .nothingSurvives, .contentSurvives: false
                case .namesSurvive, .allSurvives: true
                case .chance: Int.random(in: 0..<4, using: &numbers) != 0
                }
            if isKept, stopped.isDisjoint(with: touched) {
                harden(change)
            } else {
                stopped.formUnion(touched)
            }
        }
    }

    private static func survivor(
        of file: File, _ severity: Severity, _ numbers: inout SeededNumbers
    ) -> [UInt8] {
        switch severity {
        case .nothingSurvives, .namesSurvive: return file.durable
        case .contentSurvives, .allSurvives: return file.isLost ? file.durable : file.content
        case .chance: break
        }
        if file.isLost { return file.durable }
        var content = file.durable
        for change in file.changes {
            switch Int.random(in: 0..<4, using: &numbers) {
            case 0: return content
            case 1: return torn(change, content, &numbers)
            default: content = apply(change, to: content)
            }
        }
        return content
    }

    /// A part of what was written; the rest is missing, or zeros where only the size was kept.
    private static func torn(
        _ change: Change, _ content: [UInt8], _ numbers: inout SeededNumbers
    ) -> [UInt8] {
        guard case .write(let offset, let bytes) = change else { return content }
        let kept = Int.random(in: 0...bytes.count, using: &numbers)
        let part = apply(.write(at: offset, Array(bytes.prefix(kept))), to: content)
        guard Bool.random(using: &numbers) else { return part }
        let zeros = [UInt8](repeating: 0, count: bytes.count - kept)
        return apply(.write(at: offset + kept, zeros), to: part)
    }
}
