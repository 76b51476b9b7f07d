/// How a program is put together, as the beginning of its file tells.
package enum ProgramForm: Hashable, Sendable {
    /// An ELF program with the loader that finds its libraries.
    case dynamic(loader: String)
    /// An ELF program that has all that it needs in it.
    case whole(isGo: Bool)
    /// Text that another program runs.
    case script(interpreter: String)
    /// Of another kind, or damaged.
    case other

    /// How much of a file has to be looked at: linkers put what matters here at the front.
    package static let lookLimit = 16 * 1024
    /// Scripts whose interpreters are scripts; the kernel follows five.
    private static let scriptLimit = 5

    /// What runs in the end when the file is executed: of a script its interpreter. Cost: a read of 16 KiB.
    package static func of(path: String) -> ProgramForm {
        var path = path
        for _ in 0..<scriptLimit {
            guard let head = try? Files.head(path, limit: lookLimit) else { return .other }
            let form = ProgramForm(head: head)
            guard case .script(let interpreter) = form else { return form }
            path = interpreter
        }
        return .other
    }

    /// ELF as the System V ABI describes it, of 64 bits in this machine's order.
    package init(head: [UInt8]) {
        if head.starts(with: [0x23, 0x21]) {
            let line = head.dropFirst(2).prefix { $0 != 0x0A }
            let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\t" || $0 == "\r" }
            self = words.first.map { .script(interpreter: String($0)) } ?? .other
            return
        }
        guard head.count >= 64, head.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            self = .other
            return
        }
        func number(_ at: Int, _ size: Int) -> Int {
            guard at >= 0, at <= head.count - size else { return -1 }
            let value = (0..<size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(head[at + $1]) }
            return Int(clamping: value)
        }
        let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2))
        guard table <= head.count else {
            self = .other
            return
        }
        var isGo = false
        for index in 0..<max(0, min(count, 64)) {
            let entry = table + index * size
            let (kind, offset, length) = (number(entry, 4), number(entry + 8, 8), number(entry + 32, 8))
            guard offset >= 0, length > 0, length <= head.count, offset <= head.count - length else { continue }
            let content = head[offset..<(offset + length)]
            if kind == Self.loaderSegment {
                self = .dynamic(loader: String(decoding: content.prefix { $0 != 0 }, as: UTF8.self))
                return
            }
            // A note's name stands behind three numbers; Go's linker signs with its own.
            if kind == Self.noteSegment, content.count >= 16, content.dropFirst(12).starts(with: [0x47, 0x6F, 0, 0]) { isGo = true }
        }
        self = .whole(isGo: isGo)
    }

    /// PT_INTERP and PT_NOTE.
    private static let loaderSegment = 3
    private static let noteSegment = 4
}
