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
