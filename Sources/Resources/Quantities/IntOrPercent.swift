import Formats

/// A count or a share of some total: `2` or `25%` (Kubernetes' IntOrString where a percentage is allowed).
package enum IntOrPercent: Hashable, Sendable, CustomStringConvertible {
    case count(Int)
    case percent(Int)

    /// Reads `2` or `"25%"`; nil for anything else (`"2"` as a string is refused, as Kubernetes does).
    package init?(_ value: Value) {
        // Clamped to 32 bits, as Kubernetes has them, so that no sum or product of them can overflow.
        switch value {
        case .int(let count): self = .count(Int(Int32(clamping: count)))
        case .string(let text):
            guard text.utf8.last == UInt8(ascii: "%"), let percent = Int(text.dropLast()), percent >= 0, text.first != "+" else {
                return nil
            }
            self = .percent(Int(Int32(clamping: percent)))
        default: return nil
        }
    }

    /// What becomes of the fraction of a percentage.
    package enum Rounding: Sendable { case up, down }

    /// What it means of `total`: Kubernetes rounds maxSurge up and maxUnavailable down.
    package func resolved(of total: Int, rounding: Rounding) -> Int {
        switch self {
        case .count(let count): count
        case .percent(let percent): (total * percent + (rounding == .up ? 99 : 0)) / 100
        }
    }

    package var value: Value {
        switch self {
        case .count(let count): .int(Int64(count))
        case .percent(let percent): .string("\(percent)%")
        }
    }

    package var description: String {
        switch self {
        case .count(let count): "\(count)"
        case .percent(let percent): "\(percent)%"
        }
    }
}
