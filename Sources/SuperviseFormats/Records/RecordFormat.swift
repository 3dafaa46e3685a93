/// The `"format"` of a run record: reads 1 and 2, writes 2.
///
/// Format 1 always has a `checkpoint_directory`, also where nobody named one. With a null in it, an
/// older `supervise` would call the record damaged; of format 2 it says that a newer one wrote it.
package struct RecordFormat: Codable, Equatable, Sendable {
    package static let newest = 2

    private let number: Int

    package init() { number = Self.newest }

    /// It was read from a record of format 1.
    package var isFirst: Bool { number == 1 }

    package init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int.self)
        if number > Self.newest { throw FormatError.newerFormat(number) }
        if number < 1 { throw FormatError.unreadable("\(number) is no format") }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Self.newest)
    }
}
