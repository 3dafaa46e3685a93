/// Functions that the standard library leaves to the platform's: here they give the same numbers on
/// every machine, and so simulations replay.
package enum Analysis {
    private static let logOfTwo = 0.693147180559945309417232
    /// The upper bits of it, of which a product with a small whole number is exact, and the rest.
    private static let highOfTwo = 0.693147180369123816490
    private static let lowOfTwo = 1.90821492927058770002e-10

    /// e to the power of `x`: its Taylor series, where `x` was brought near 0 by a power of two.
    package static func exponential(_ x: Double) -> Double {
        guard x < 709 else { return x.isNaN ? x : .infinity }
        guard x > -708 else { return 0 }
        let doublings = (x / logOfTwo).rounded()
        let rest = (x - doublings * highOfTwo) - doublings * lowOfTwo
        var sum = 1.0
        for term in stride(from: 14.0, through: 1, by: -1) { sum = 1 + rest / term * sum }
        return Double(sign: .plus, exponent: Int(doublings), significand: sum)
    }

    /// The natural logarithm of `x`: twice the area tangent of (m - 1) / (m + 1), where m is `x`
    /// without its power of two.
    ///
    /// - Parameter x: finite and more than 0, else the result is no number.
    package static func logarithm(_ x: Double) -> Double {
        guard x > 0, x.isFinite else { return .nan }
        var mantissa = x.significand
        var exponent = Double(x.exponent)
        if mantissa > 1.414213562373095 {
            mantissa /= 2
            exponent += 1
        }
        let ratio = (mantissa - 1) / (mantissa + 1)
        var sum = 0.0
        for term in stride(from: 23.0, through: 1, by: -2) { sum = sum * ratio * ratio + 1 / term }
        return exponent * logOfTwo + 2 * ratio * sum
    }
}
