import Foundation
import Testing
import Timing

@testable import Linux

extension Workbench {
    /// Runs a program to its end and answers its binds and connects as a pod's; its output, and what became of its connects.
    func run(_ program: String, _ arguments: [String], podAddress: String) throws -> (output: String, outcomes: [ConnectHandOff.Outcome]) {
        var binds = BindHandOff(podAddress: ipv4(podAddress))
        let connects = ConnectHandOff(podAddress: ipv4(podAddress))
        var outcomes: [ConnectHandOff.Outcome] = []
        let process = try launch(program, arguments) { $0.handOff = [.bind, .connect] }
        let end = Clock.monotonic() + patience
        while Clock.monotonic() < end {
            var poll = pollfd(fd: process.listener!, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 1000) == 1 else { continue }
            guard poll.revents & Int16(POLLIN) != 0 else { break }
            guard let call = AddressCall(from: process.listener!) else { continue }
            switch call.kind {
            case .bind: _ = binds.answer(call)
            case .connect: outcomes.append(connects.answer(call))
            }
        }
        #expect(wait(process) == 0)
        return (output, outcomes)
    }
}

/// Whether a program can listen there, for streams and for datagrams.
private func isFree(_ port: UInt16) -> Bool {
    [SOCK_STREAM, SOCK_DGRAM].allSatisfy { type in
        let fd = socket(AF_INET, Int32(type.rawValue), 0)
        defer { close(fd) }
        var address = sockaddr_in()
        address.sin_family = UInt16(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
    }
}

/// A listener of the test's own, as some service of the machine has one.
private func listenOnLoopback() -> (descriptor: Int32, port: UInt16) {
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = UInt16(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = bind(fd, $0, length)
            _ = getsockname(fd, $0, &length)
        }
    }
    listen(fd, 16)
    return (fd, UInt16(bigEndian: address.sin_port))
}

@Suite(.serialized, .enabled(if: python != nil)) struct ConnectHandOffTests {
    /// What each kind of connect says, as one line each: the same program gives the same lines with and without hand-off.
    private let manners = """
        import errno, select, socket, struct, sys, threading
        port = int(sys.argv[1])
        server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); server.bind(('127.0.0.1', port)); server.listen(64)
        def name(code): return errno.errorcode.get(code, 'OK') if code else 'OK'
        def tell(what, s): print(what, s.getpeername()[1] == port, flush=True)
        s = socket.socket(); print('blocking', name(s.connect_ex(('127.0.0.1', port)))); tell('blocking', s)
        print('again', name(s.connect_ex(('127.0.0.1', port))))
        s = socket.socket(); s.setblocking(False); print('non-blocking', name(s.connect_ex(('127.0.0.1', port))))
        select.select([], [s], [], 5); print('completed', name(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
        print('asked again', name(s.connect_ex(('127.0.0.1', port)))); print('and again', name(s.connect_ex(('127.0.0.1', port))))
        print('flags', s.getblocking()); tell('non-blocking', s)
        s = socket.socket(); s.settimeout(5); s.connect(('127.0.0.1', port)); tell('with a limit', s)
        s = socket.socket(); s.connect(('0.0.0.0', port)); tell('any', s)
        s = socket.socket(); print('refused', name(s.connect_ex(('127.0.0.1', 1))))
        s = socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1', 1)); select.select([], [s], [], 5)
        print('refused later', name(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
        s = socket.socket(); s.bind(('127.0.0.1', 0)); print('bound before', name(s.connect_ex(('127.0.0.1', port))))
        r = socket.socket(); r.connect(('127.0.0.1', port)); c = server.accept()
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', port))
        d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); print('datagram', name(d.connect_ex(('127.0.0.1', port))))
        d.send(b'x'); print('received', u.recv(9)); print('anew', name(d.connect_ex(('127.0.0.1', port))))
        def work():
            t = socket.socket(); t.connect(('127.0.0.1', port)); tell('thread', t)
        t = threading.Thread(target=work); t.start(); t.join()
        print('nonsense', name(socket.socket(socket.AF_UNIX).connect_ex('/no/such/socket')))
        """

    private func plain(_ port: UInt16) throws -> String {
        let bench = Workbench()
        #expect(bench.wait(try bench.launch(python!, ["-c", manners, "\(port)"])) == 0)
        return bench.output
    }

    @Test func `every manner of connect says to the program what the kernel would have said`() throws {
        // Below the ports that the kernel chooses: no connection of another test takes it between the two programs.
        let port = try #require((20_000...29_999).shuffled().map { UInt16($0) }.first { isFree($0) })
        let expected = try plain(port)
        let (output, outcomes) = try Workbench().run(python!, ["-c", manners, "\(port)"], podAddress: "127.77.1.2")
        #expect(output == expected)
        #expect(outcomes.contains(.led(port: port)) && outcomes.contains(.unchanged))
    }

    @Test func `connections to the pod itself leave from its address, over both IP families`() throws {
        let program = """
            import socket
            server = socket.socket(socket.AF_INET6); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); server.bind(('::', 8080)); server.listen(8)
            a = socket.socket(); a.connect(('127.0.0.1', 8080)); print(a.getsockname()[0], a.getpeername()[0])
            b = socket.socket(socket.AF_INET6); b.connect(('::1', 8080)); print(b.getsockname()[0], b.getpeername()[0])
            c = socket.socket(); c.connect(('127.77.1.3', 8080)); print(c.getsockname()[0], server.accept()[1][0])
            """
        let (output, outcomes) = try Workbench().run(python!, ["-c", program], podAddress: "127.77.1.3")
        #expect(output == "127.77.1.3 127.77.1.3\n::ffff:127.77.1.3 ::ffff:127.77.1.3\n127.77.1.3 ::ffff:127.77.1.3\n")
        #expect(outcomes.filter { $0 != .unchanged } == [.led(port: 8080), .led(port: 8080), .sourced])
    }

    @Test func `where the pod does not listen, the machine's own service is reached as before`() throws {
        let (descriptor, port) = listenOnLoopback()
        defer { close(descriptor) }
        let program = "import socket; s = socket.create_connection(('127.0.0.1', \(port))); print(s.getsockname()[0])"
        let (output, outcomes) = try Workbench().run(python!, ["-c", program], podAddress: "127.77.1.4")
        #expect(output == "127.0.0.1\n")
        #expect(outcomes.allSatisfy { $0 == .unchanged })
    }

    @Test func `a blocking connect that cannot complete waits in the program, within the program's limit`() throws {
        let program = """
            import errno, socket, struct
            server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); server.bind(('127.0.0.1', 8080)); server.listen(0)
            waiting = []
            while True:
                s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, 300000)); waiting.append(s)
                code = s.connect_ex(('127.0.0.1', 8080))
                if code: print(errno.errorcode[code]); break
            """
        let (output, outcomes) = try Workbench().run(python!, ["-c", program], podAddress: "127.77.1.5")
        // The one word that differs: alone the kernel says EINPROGRESS for an SO_SNDTIMEO that has passed.
        #expect(output == "EALREADY\n")
        #expect(outcomes.contains(.led(port: 8080)))
    }

    @Test(.enabled(if: node != nil)) func `a Node client finds the server beside it by the name localhost`() throws {
        let program = """
            require('http').createServer((q, s) => s.end('from ' + q.socket.remoteAddress)).listen(8080, () =>
                require('http').get('http://localhost:8080/', r => r.on('data', d => { console.log('' + d); process.exit(0) })))
            """
        let (output, _) = try Workbench().run(node!, ["-e", program], podAddress: "127.77.1.6")
        #expect(output.contains("127.77.1.6"), "\(output)")
    }

    /// Prints; no time is asserted.
    @Test func `what a connection that is looked at costs`() throws {
        let program = """
            import socket, sys, time
            server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); server.bind(('127.0.0.1', 8080)); server.listen(1024)
            for target, port in (('own', 8080), ('refused', 1)):
                start = time.perf_counter()
                for _ in range(500):
                    s = socket.socket(); s.connect_ex(('127.0.0.1', port)); s.close()
                print(target, round((time.perf_counter() - start) * 2000, 1), 'microseconds')
            """
        let (output, _) = try Workbench().run(python!, ["-c", program], podAddress: "127.77.1.7")
        print(output)
        #expect(output.contains("own"))
    }
}
