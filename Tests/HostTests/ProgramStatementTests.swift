import Formats
import Testing

@testable import Host

@Suite struct `A program that an instance goes over to` {
    private static func program(_ version: String, reads: ClosedRange<Int>, writes: Int) -> ProgramStatement {
        ProgramStatement(version: version, formats: [.init("the journal", reads: reads, writes: writes)])
    }

    @Test(
        arguments: [
            // What runs reads, writes; what follows reads, writes; words of the refusal.
            (1...1, 1, 1...1, 1, nil),
            // The next one reads more, and writes what the one before can still read.
            (1...1, 1, 1...2, 1, nil),
            (1...2, 1, 1...2, 2, nil),
            (1...2, 2, 2...3, 2, nil),
            // Back from it, as long as nothing newer was written.
            (1...2, 1, 1...1, 1, nil),
            (1...2, 2, 1...1, 1, "steady B is older: it reads the journal up to format 1, and this instance writes format 2"),
            (1...1, 1, 2...2, 2, "steady B reads the journal from format 2 on, and this instance writes format 1"),
            (1...1, 1, 1...2, 2, "steady B writes the journal in format 2, which steady A cannot read: there would be no way back"),
        ] as [(ClosedRange<Int>, Int, ClosedRange<Int>, Int, String?)])
    func `must read what is there, and write what the one before can read`(
        reads: ClosedRange<Int>, writes: Int, nextReads: ClosedRange<Int>, nextWrites: Int, words: String?
    ) {
        let running = Self.program("A", reads: reads, writes: writes)
        let obstacle = running.obstacle(to: Self.program("B", reads: nextReads, writes: nextWrites))
        #expect(words.map { obstacle?.hasPrefix($0) == true } ?? (obstacle == nil), "\(obstacle ?? "")")
    }

    @Test func `must know every format, and may know more`() {
        let one = ProgramStatement(version: "A", formats: [.init("the journal", upTo: 1)])
        let two = ProgramStatement(version: "B", formats: [.init("the journal", upTo: 1), .init("the records", upTo: 1)])
        #expect(one.obstacle(to: two) == nil)
        #expect(two.obstacle(to: one) == "steady A does not know the format of the records, which steady B writes")
    }

    @Test func `says what it is in words that every version reads`() {
        let program = Self.program("0.1.0", reads: 1...3, writes: 2)
        #expect(ProgramStatement(program.value) == program)
        #expect(ProgramStatement(["formats": []]) == nil)
        #expect(ProgramStatement(["version": "1", "formats": [["name": "x", "oldest": 2, "newest": 1, "writes": 1]]]) == nil)
    }
}
