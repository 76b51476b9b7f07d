import Glibc
import Linux
import Synchronization
import Testing
import Timing

struct LineFileTests {
    private static func withPath(_ body: (String) throws -> Void) throws {
        let directory = "/tmp/steady-lines-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree(directory) }
        try body(directory + "/access.log")
    }

    @Test func `what was handed over is in the file once it is closed, in order`() throws {
        try Self.withPath { path in
            let file = try LineFile(path)
            for number in 0..<100 { file.append(Array("line \(number)\n".utf8), lineCount: 1) }
            file.close()
            #expect(try Files.text(path) == (0..<100).map { "line \($0)\n" }.joined())
            #expect(file.counts == (100, 0))
        }
    }

    @Test func `a full file is moved aside, once`() throws {
        try Self.withPath { path in
            for text in ["first, which fills it\n", "second, which fills it\n", "c\n", "d\n"] {
                let file = try LineFile(path, fileLimit: 10)
                file.append(Array(text.utf8), lineCount: 1)
                file.close()
                #expect(file.counts == (1, 0))
            }
            #expect(try Files.text(path) == "c\nd\n")
            #expect(try Files.text(path + ".1") == "second, which fills it\n")
        }
    }

    @Test func `who finds the file moved away by another process goes on in the new one`() throws {
        try Self.withPath { path in
            let files = try (0..<2).map { _ in try LineFile(path, fileLimit: 30) }
            func append(_ index: Int, _ text: String) throws {
                let count = files[index].counts.written
                files[index].append(Array(text.utf8), lineCount: 1)
                let deadline = Clock.monotonic() + .seconds(60)
                while files[index].counts.written == count, Clock.monotonic() < deadline { sched_yield() }
            }
            try append(0, "first, which is long enough to fill it\n")
            try append(1, "second\n")
            try append(0, "third\n")
            for file in files { file.close() }
            #expect(try Files.text(path) == "second\nthird\n")
            #expect(try Files.text(path + ".1") == "first, which is long enough to fill it\n")
        }
    }

    @Test func `what cannot be written, or waits too long, is dropped and counted`() throws {
        let file = try LineFile("/proc/no-such-directory/access.log")
        file.append([UInt8](repeating: UInt8(ascii: "\n"), count: LineFile.waitingLimit + 1), lineCount: 7)
        file.append(Array("x\n".utf8), lineCount: 1)
        file.close()
        #expect(file.counts == (0, 8))
    }

    /// A named pipe that nobody reads is a disk that hangs: to open it waits, and so does a write once it is full.
    @Test(.timeLimit(.minutes(2)))
    func `who hands over lines does not wait for a disk that hangs; what waits has a limit, and is written when the disk is back`() throws {
        try Self.withPath { path in
            #expect(mkfifo(path, 0o600) == 0)
            let file = try LineFile(path)
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: (1 << 20) - 1) + [UInt8(ascii: "\n")]
            let count = 12
            for _ in 0..<count { file.append(piece, lineCount: 1) }
            // The thread may hold what waited when it was called; as much again waits behind it.
            let most = 2 * LineFile.waitingLimit >> 20
            #expect(file.counts.written == 0 && (count - most..<count).contains(Int(file.counts.dropped)))

            let gotten = Mutex(0)
            let disk = try ThreadHandle.start(name: "disk") { gotten.withLock { $0 = ((try? Files.read(path)) ?? []).count } }
            file.close()
            disk.join()
            let (written, dropped) = file.counts
            #expect(written + dropped == UInt64(count) && written > 0)
            #expect(gotten.withLock { $0 } == Int(written) << 20)
        }
    }
}
