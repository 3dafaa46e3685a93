/// Times as HTTP writes them: `Mon, 11 Apr 2026 22:26:58 GMT` (RFC 9110, 5.6.7, the preferred form).
package enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The day of the week is not compared. nil where it is no such time.
    package static func parse(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2])), let day = Int64(parts[1])
        else { return nil }
        let date = "\(parts[3])-\(padded(Int64(month) + 1, 2))-\(padded(day, 2))"
        return Timestamp("\(date)T\(parts[4])Z")
    }
}
