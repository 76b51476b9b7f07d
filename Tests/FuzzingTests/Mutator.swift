/// Changes inputs in the ways in which a fuzzer does, by a seed.
struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    private mutating func next(below limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return limit <= 0 ? 0 : Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }

    /// Bytes that mean something to one of the parsers.
    private static let telling = Array("{}[]\",:\\0123456789-+.eE \t\r\n#&*!|>%@`'~$()?/".utf8) + [0, 0x7F, 0x80, 0xC3, 0xE2, 0xF0, 0xFF]

    /// One of the inputs, changed one to eight times.
    mutating func mutation(of inputs: [[UInt8]]) -> [UInt8] {
        var out = inputs[next(below: inputs.count)]
        for _ in 0...next(below: 8) {
            let at = next(below: out.count + 1)
            let length = 1 + next(below: 1 + min(32, out.count - at))
            let end = min(out.count, at + length)
            switch next(below: 6) {
            case 0: out.removeSubrange(at..<end)
            case 1: out.insert(Self.telling[next(below: Self.telling.count)], at: at)
            case 2: if at < out.count { out[at] = Self.telling[next(below: Self.telling.count)] }
            case 3: if at < out.count { out[at] ^= 1 << UInt8(next(below: 8)) }
            case 4: out.insert(contentsOf: out[at..<end], at: next(below: out.count + 1))
            default:
                let other = inputs[next(below: inputs.count)]
                let from = next(below: other.count + 1)
                out.insert(contentsOf: other[from..<min(other.count, from + length)], at: at)
            }
        }
        return out
    }
}
