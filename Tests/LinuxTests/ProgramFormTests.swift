import Glibc
import Testing

@testable import Linux

@Suite struct ProgramFormTests {
    /// A small ELF file: a header, and segments with their contents.
    private static func elf(_ segments: [(kind: UInt32, content: [UInt8])]) -> [UInt8] {
        func bytes(_ value: UInt64, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) } }
        let tableEnd = 64 + segments.count * 56
        var head: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        head += bytes(2, 2) + bytes(62, 2) + bytes(1, 4) + bytes(0, 8) + bytes(64, 8) + bytes(0, 8) + bytes(0, 4)
        head += bytes(64, 2) + bytes(56, 2) + bytes(UInt64(segments.count), 2) + bytes(0, 6)
        var contents: [UInt8] = []
        for (kind, content) in segments {
            head += bytes(UInt64(kind), 4) + bytes(4, 4) + bytes(UInt64(tableEnd + contents.count), 8) + bytes(0, 16)
            head += bytes(UInt64(content.count), 8) + bytes(UInt64(content.count), 8) + bytes(1, 8)
            contents += content
        }
        return head + contents
    }
    private static let goNote: [UInt8] = [4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0] + Array("Go\0\0".utf8) + Array("abcd".utf8)
    private static let gnuNote: [UInt8] = [4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0] + Array("GNU\0".utf8) + Array("abcd".utf8)

    private static let table: [(head: [UInt8], form: ProgramForm)] = [
        (elf([(1, [0]), (3, Array("/lib/ld-musl-x86_64.so.1\0".utf8))]), .dynamic(loader: "/lib/ld-musl-x86_64.so.1")),
        (elf([(4, goNote), (3, Array("/lib64/ld-linux-x86-64.so.2\0".utf8))]), .dynamic(loader: "/lib64/ld-linux-x86-64.so.2")),
        (elf([(4, gnuNote), (4, goNote)]), .whole(isGo: true)),
        (elf([(4, gnuNote)]), .whole(isGo: false)),
        (elf([]), .whole(isGo: false)),
        (Array("#! /usr/bin/env python3\n".utf8), .script(interpreter: "/usr/bin/env")),
        (Array("#!\n".utf8), .other),
        (Array("#!/bin/sh".utf8), .script(interpreter: "/bin/sh")),
        ([], .other),
        (Array("hello".utf8), .other),
    ]

    @Test func `a program says of itself what it is made of`() {
        for (head, form) in Self.table { #expect(ProgramForm(head: head) == form) }
    }

    @Test func `no damage brings it down`() {
        for (head, _) in Self.table {
            for index in head.indices {
                for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                    var damaged = head
                    damaged[index] = value
                    _ = ProgramForm(head: damaged)
                }
                _ = ProgramForm(head: Array(head.prefix(index)))
            }
        }
    }

    @Test func `what runs in the end is asked, also of a script`() throws {
        guard case .dynamic(let loader) = ProgramForm.of(path: "/bin/sh") else {
            Issue.record("\(ProgramForm.of(path: "/bin/sh"))")
            return
        }
        #expect(loader.contains("ld-"))
        #expect(ProgramForm.of(path: "/nonexistent") == .other)
    }

    @Test func `a script whose interpreter is a pipe keeps nobody waiting`() throws {
        let directory = "/tmp/steady-form-\(getpid())"
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree(directory) }
        #expect(mkfifo(directory + "/pipe", 0o600) == 0)
        try Files.replace(directory + "/script", with: Array("#!\(directory)/pipe\n".utf8))
        #expect(ProgramForm.of(path: directory + "/script") == .other)
    }
}
