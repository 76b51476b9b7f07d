import Foundation
import Testing

@testable import Linux

@Suite struct FileLockTests {
    @Test func `who looks whether a lock is held takes no other who looks for its holder`() throws {
        let directory = NSTemporaryDirectory() + "sl\(UUID().uuidString.prefix(8))"
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree(directory) }
        let path = directory + "/lock"
        #expect(try !FileLock.isHeld(path))
        #expect(!Files.exists(path), "looking makes no file")
        try Files.replace(path, with: [])
        let looking = try Files.open(path, O_RDONLY)
        #expect(flock(looking, LOCK_SH | LOCK_NB) == 0)
        #expect(try !FileLock.isHeld(path))
        #expect(try FileLock.take(path) == nil, "who takes it has to try again")
        closeDescriptor(looking)
        let lock = try #require(try FileLock.take(path + "2"))
        #expect(try FileLock.isHeld(path + "2"))
        lock.release()
    }
}
