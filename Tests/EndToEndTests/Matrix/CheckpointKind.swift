import SuperviseFormats
import SuperviseSystem
import Testing

/// A kind of checkpoint: a row of the matrix. A feature that makes another kind adds a line.
struct CheckpointKind: Sendable, CustomTestStringConvertible {
    let name: String
    var content = Content.plain
    /// nil: by `begin` and `commit`.
    var added: AddMode?
    var compression: CompressionProgram?
    var isPinned = false
    /// The job is another user, which only root can have.
    var isOfAnotherUser = false
    /// The answer to the job, for a kind that cannot be made.
    var refusal: String?

    var testDescription: String { name }

    var isOutside: Bool { added == .own || added == .reference }

    static let all: [CheckpointKind] = [
        .init(name: "plain"),
        .init(name: "gzip", compression: .gzip),
        .init(name: "zstd", compression: .zstd),
        .init(name: "copied file", content: .single, added: .copy),
        .init(name: "copied file, gzip", content: .single, added: .copy, compression: .gzip),
        .init(name: "copied directory", added: .copy),
        .init(name: "copied directory, gzip", added: .copy, compression: .gzip),
        .init(name: "odd names, moved", content: .oddNames, added: .move),
        .init(name: "moved directory, gzip", added: .move, compression: .gzip),
        .init(name: "own directory", content: .links, added: .own),
        .init(name: "own file", content: .single, added: .own),
        .init(name: "own, gzip", added: .own, compression: .gzip),
        .init(name: "reference directory", content: .links, added: .reference),
        .init(name: "reference file", content: .single, added: .reference),
        .init(name: "odd names", content: .oddNames),
        .init(name: "odd names, gzip", content: .oddNames, compression: .gzip),
        .init(name: "odd names, own", content: .oddNames, added: .own),
        .init(name: "odd names, reference", content: .oddNames, added: .reference),
        .init(
            name: "odd file, gzip", content: .oddSingle, added: .copy, compression: .gzip),
        .init(name: "links", content: .links),
        .init(name: "links, gzip", content: .links, compression: .gzip),
        .init(name: "pinned", isPinned: true),
        .init(name: "pinned, gzip", compression: .gzip, isPinned: true),
        .init(name: "pinned, own", added: .own, isPinned: true),
        .init(name: "another user's", content: .links, isOfAnotherUser: true),
        .init(
            name: "another user's, gzip", content: .links, compression: .gzip, isOfAnotherUser: true
        ),
        .init(
            name: "another user's odd names, gzip", content: .oddNames, compression: .gzip,
            isOfAnotherUser: true),
        .init(
            name: "another user's reference", content: .links, added: .reference,
            isOfAnotherUser: true),
        .init(
            name: "another user's own", added: .own, isOfAnotherUser: true,
            refusal: "root would delete it there one day"),
    ]

    /// Those that can be made on this machine; what is missing is printed.
    static let here = all.filter { kind in
        if let program = kind.compression?.rawValue, pathOfProgram(program) == nil {
            print("\(kind.name): \(program) is not installed: it was not tested")
            return false
        }
        if kind.isOfAnotherUser, userId() != 0 {
            print("\(kind.name): only root can have one: it was not tested")
            return false
        }
        return true
    }
}
