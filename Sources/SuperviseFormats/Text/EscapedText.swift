/// The name of a unit's instance as systemd-escape(1) writes it: `my\x2drun` for `my-run`.
package enum EscapedName {
    /// The name without escapes; nil if there are none.
    package static func plain(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        var hasEscape = false
        while let byte = rest.popFirst() {
            let code = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), code.count == 3, code.first == UInt8(ascii: "x"),
                let value = UInt8(String(Substring(code.dropFirst())), radix: 16)
            {
                hasEscape = true
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return hasEscape ? String(decoding: bytes, as: UTF8.self) : nil
    }
}

/// The text of somebody else on one line, without anything that a terminal would obey.
package func printable(_ text: String) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
            result += escape(scalar)
        default:
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

private func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\t": "\\t"
    case "\r": "\\r"
    default: "\\u{\(String(scalar.value, radix: 16))}"
    }
}

/// Texts with a separator between them: what `joined(separator:)` makes, which at its first call
/// looks through all conformances of the program, and that at every start.
package func joined(_ texts: [String], with separator: String) -> String {
    var result = ""
    var isFirst = true
    for text in texts {
        if !isFirst { result += separator }
        isFirst = false
        result += text
    }
    return result
}
