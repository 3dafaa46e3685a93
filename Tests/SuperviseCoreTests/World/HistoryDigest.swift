import SuperviseCore

/// A number that differs where an event or an action of two histories differs.
///
/// FNV-1a, 64 bits, over the descriptions; http://www.isthe.com/chongo/tech/comp/fnv/. Sets and
/// dictionaries are described in the same order only with `SWIFT_DETERMINISTIC_HASHING=1`. Descriptions of
/// private types have addresses in them, as in `(unknown context at $5574cde75898)`; these are left out.
struct HistoryDigest {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ event: Event, _ actions: [Action]) {
        add("\(event)")
        for action in actions { add("\(action)") }
    }

    private mutating func add(_ text: String) {
        var isInAddress = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ")") { isInAddress = false }
            if !isInAddress { value = (value ^ UInt64(byte)) &* 0x0100_0000_01b3 }
            if byte == UInt8(ascii: "$") { isInAddress = true }
        }
        value = (value ^ 0xff) &* 0x0100_0000_01b3
    }
}
