import Glibc
import Testing

@testable import Linux

struct SplicePipeTests {
    private static func fill(_ pipe: SplicePipe, from socket: Int32) throws -> Int? {
        if case .bytes(let count) = try pipe.fill(from: socket) { count } else { nil }
    }

    @Test func `bytes go through, as far as there are some and they are taken`() throws {
        let (near, from) = try Sockets.pair()
        let (to, far) = try Sockets.pair()
        defer { for fd in [near, from, to, far] { Sockets.close(fd) } }
        let pipe = try SplicePipe()
        guard case .wouldBlock = try pipe.fill(from: from) else { throw LinuxError(errno: 0, operation: "something came from nowhere") }
        #expect(write(near, "hello", 5) == 5)
        #expect(try Self.fill(pipe, from: from) == 5)
        #expect(pipe.count == 5)
        guard case .bytes(5) = pipe.drain(to: to) else { throw LinuxError(errno: errno, operation: "nothing went out") }
        #expect(pipe.isEmpty)
        var room = [UInt8](repeating: 0, count: 16)
        #expect(read(far, &room, 16) == 5)
        #expect(room.prefix(5).elementsEqual("hello".utf8))
        Sockets.shutdownSending(near)
        guard case .ended = try pipe.fill(from: from) else { throw LinuxError(errno: 0, operation: "it goes on") }
    }

    @Test func `a broken other side is a failure and no signal, and the bytes are still counted`() throws {
        let (near, from) = try Sockets.pair()
        let (to, far) = try Sockets.pair()
        Sockets.close(far)
        defer { for fd in [near, from, to] { Sockets.close(fd) } }
        let pipe = try SplicePipe()
        #expect(write(near, "hello", 5) == 5)
        #expect(try Self.fill(pipe, from: from) == 5)
        guard case .failed(let error) = pipe.drain(to: to) else { throw LinuxError(errno: 0, operation: "it went out") }
        #expect(error.errno == EPIPE)
        #expect(pipe.count == 5)
    }

    @Test func `what cannot be spliced is refused and stays what it was`() throws {
        let directory = try Files.open("/", O_RDONLY | O_DIRECTORY)
        defer { Sockets.close(directory) }
        let pipe = try SplicePipe()
        #expect(throws: LinuxError.self) { _ = try pipe.fill(from: directory) }
        #expect(pipe.isEmpty)
    }
}
