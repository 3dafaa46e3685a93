import SuperviseCore

/// A number that differs where an event or an action of two histories differs.
///
/// FNV-1a, 64 bits, over the descriptions; http://www.isthe.com/chongo/tech/comp/fnv/. Sets and
/// dictionaries are described in the same order only with `SWIFT_DETERMINISTIC_HASHING=1`.
struct HistoryDigest {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ event: Event, _ actions: [Action]) {
        add("\(event)")
        for action in actions { add("\(action)") }
    }

    private mutating func add(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x0100_0000_01b3 }
        value = (value ^ 0xff) &* 0x0100_0000_01b3
    }
}
