import Linux

/// Where a verb writes to and reads from: standard streams, colours only where a terminal shows them.
package struct Terminal: Sendable {
    /// Whether standard output is a terminal (and `NO_COLOR` is not set).
    package let hasColours: Bool
    package let isInteractive: Bool
    private let output: Int32
    private let error: Int32

    package init(output: Int32 = 1, error: Int32 = 2) {
        self.output = output
        self.error = error
        isInteractive = Files.isTerminal(output)
        hasColours = isInteractive && Processes.environment("NO_COLOR") == nil && Processes.environment("TERM") != "dumb"
    }

    /// Writes to standard output.
    package func write(_ text: String) { write(bytes: Array(text.utf8)) }
    /// Writes a line to standard output.
    package func line(_ text: String) { write(text + "\n") }
    /// Writes bytes as they are to standard output.
    package func write(bytes: [UInt8]) { try? Files.writeAll(bytes, to: output, named: "standard output") }
    /// One word from standard input, up to the end of its line; empty when there is none.
    package func answer() -> String {
        var out: [UInt8] = []
        var byte: [UInt8] = [0]
        while out.count < Self.answerLimit, Files.readAvailable(0, into: &byte) == 1, byte[0] != UInt8(ascii: "\n") { out.append(byte[0]) }
        return String(decoding: out.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }, as: UTF8.self)
    }

    /// Of a longer answer the rest is not read.
    private static let answerLimit = 256

    /// Writes a line to standard error.
    package func complain(_ text: String) { try? Files.writeAll(Array((text + "\n").utf8), to: error, named: "standard error") }

    /// The number of a colour in an ANSI escape sequence.
    package enum Colour: String, Sendable {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case grey = "90"
        case bold = "1"
    }

    /// The text in a colour, on terminals that show colours.
    package func coloured(_ text: String, _ colour: Colour) -> String { hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text }

    /// Columns of the terminal; 80 where there is none.
    package var width: Int { Files.terminalSize(output)?.columns ?? 80 }
    package var height: Int { Files.terminalSize(output)?.rows ?? 24 }
}

extension StringProtocol {
    /// At most this many columns of it; sequences that set colours take none, and none is left switched on.
    func cut(toColumns limit: Int) -> String {
        var out = ""
        var columnCount = 0
        var isInSequence = false
        for character in self {
            if character == "\u{1B}" { isInSequence = true }
            if isInSequence {
                out.append(character)
                if character == "m" { isInSequence = false }
            } else if columnCount < limit {
                out.append(character)
                columnCount += 1
            }
        }
        return out
    }
}
