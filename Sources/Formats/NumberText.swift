/// Numbers as Go's JSON encoder prints them, because Kubernetes' clients compare and re-read such texts: whole doubles have no fraction
/// (`3`, not `3.0`), and an exponent is used below 1e-6 and from 1e21 on.
enum NumberText {
    static func append(_ int: Int64, to bytes: inout [UInt8]) {
        if int >= 0, int < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(int))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var magnitude = int.magnitude
            var at = 20
            while magnitude > 0 {
                at -= 1
                digits[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
            }
            if int < 0 {
                at -= 1
                digits[at] = UInt8(ascii: "-")
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[at..<20]))
        }
    }

    /// What JSON has no number for (infinities, NaN) becomes `null`; the readers here never make such values.
    static func append(_ double: Double, to bytes: inout [UInt8]) {
        guard double.isFinite else {
            JSONWriter.append(literal: "null", to: &bytes)
            return
        }
        if double == 0 {
            bytes.append(UInt8(ascii: "0"))
            return
        }
        if double < 0 { bytes.append(UInt8(ascii: "-")) }
        let (digits, point) = shortestDigits(double.magnitude)
        if point < -5 || point > 21 {
            bytes.append(digits[0])
            if digits.count > 1 {
                bytes.append(UInt8(ascii: "."))
                bytes.append(contentsOf: digits[1...])
            }
            bytes.append(UInt8(ascii: "e"))
            let exponent = point - 1
            bytes.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            append(Int64(exponent.magnitude), to: &bytes)
        } else if point <= 0 {
            JSONWriter.append(literal: "0.", to: &bytes)
            for _ in point..<0 { bytes.append(UInt8(ascii: "0")) }
            bytes.append(contentsOf: digits)
        } else {
            bytes.append(contentsOf: digits.prefix(point))
            for _ in min(digits.count, point)..<point { bytes.append(UInt8(ascii: "0")) }
            if digits.count > point {
                bytes.append(UInt8(ascii: "."))
                bytes.append(contentsOf: digits[point...])
            }
        }
    }

    /// The fewest digits that read back as this double, and where the decimal point stands: the value is 0.DIGITS times ten to the `point`.
    private static func shortestDigits(_ double: Double) -> (digits: [UInt8], point: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var isExponent = false
        var isNegativeExponent = false
        for byte in double.description.utf8 {
            switch byte {
            case UInt8(ascii: "."): point = digits.count
            case UInt8(ascii: "e"): isExponent = true
            case UInt8(ascii: "-"): isNegativeExponent = true
            case UInt8(ascii: "+"): break
            default:
                if isExponent { exponent = exponent * 10 + Int(byte - UInt8(ascii: "0")) } else { digits.append(byte) }
            }
        }
        var place = (point ?? digits.count) + (isNegativeExponent ? -exponent : exponent)
        let leading = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(leading)
        place -= leading
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (digits, place)
    }
}
