import Foundation
import Testing
import Timing

@testable import Linux

/// Starts programs for the tests and leaves none behind.
final class Workbench {
    let directory: String
    let launcher = Launcher()
    private var running: [LaunchedProcess] = []

    init() {
        directory = NSTemporaryDirectory() + "steady-launch-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit {
        for process in running {
            kill(process.pid, SIGKILL)
            var status: Int32 = 0
            waitpid(process.pid, &status, 0)
            close(process.pidfd)
            if let listener = process.listener { close(listener) }
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    func path(_ name: String) -> String { directory + "/" + name }

    func launch(_ program: String, _ arguments: [String], _ change: (inout Launch) -> Void = { _ in }) throws -> LaunchedProcess {
        let output = open(path("output"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer {
            close(output)
            close(input)
        }
        var launch = Launch(
            program, arguments: [program] + arguments, environment: ["PATH=/usr/bin:/bin", "GREETING=hello"], directory: directory,
            input: input,
            output: output, error: output)
        change(&launch)
        let process = try launcher.launch(launch)
        running.append(process)
        return process
    }

    var output: String { (try? String(contentsOfFile: path("output"), encoding: .utf8)) ?? "" }

    /// The exit code, or 128 + signal.
    func wait(_ process: LaunchedProcess) -> Int32 {
        var poll = pollfd(fd: process.pidfd, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, Int32(patience.millisecondsRoundedUp)) == 1 else { return -1 }
        var status: Int32 = 0
        waitpid(process.pid, &status, 0)
        running.removeAll { $0.pid == process.pid }
        close(process.pidfd)
        if let listener = process.listener { close(listener) }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }

    /// Answers a process' calls until `done`.
    func answer(_ process: LaunchedProcess, _ handOff: inout BindHandOff, until done: (BindHandOff.Outcome) -> Bool) -> Bool {
        let end = Clock.monotonic() + patience
        while Clock.monotonic() < end {
            var poll = pollfd(fd: process.listener!, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 1000) == 1 else { continue }
            guard poll.revents & Int16(POLLIN) != 0 else { return false }
            guard let call = AddressCall(from: process.listener!) else { continue }
            if done(handOff.answer(call)) { return true }
        }
        return false
    }
}

/// How long a test waits for what must come. It comes in milliseconds; only a machine with too much to do needs more.
let patience = Duration.seconds(60)

/// Looks again, and lets others run, until it holds; false when it never does.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = Clock.monotonic() + patience
    while !condition() {
        if Clock.monotonic() >= end { return false }
        sched_yield()
    }
    return true
}

/// Whether somebody listens there: a program listens some time after it has bound.
func answers(_ address: String, _ port: UInt16) -> Bool {
    eventually {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        var target = sockaddr_in()
        target.sin_family = UInt16(AF_INET)
        target.sin_port = port.bigEndian
        inet_pton(AF_INET, address, &target.sin_addr)
        return withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
    }
}

func ipv4(_ text: String) -> UInt32 {
    var address = in_addr()
    inet_pton(AF_INET, text, &address)
    return UInt32(bigEndian: address.s_addr)
}

let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first { FileManager.default.isExecutableFile(atPath: $0) }
let node = ["/usr/bin/node", "/usr/local/bin/node"].first { FileManager.default.isExecutableFile(atPath: $0) }
let nginx = ["/usr/sbin/nginx"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite(.serialized) struct LaunchTests {
    @Test func `a program runs with its arguments, its environment and its directory`() throws {
        let bench = Workbench()
        let process = try bench.launch("/bin/sh", ["-c", "echo $GREETING $1; pwd; exit 7", "sh", "world"])
        #expect(bench.wait(process) == 7)
        #expect(bench.output == "hello world\n\(bench.directory)\n")
    }

    @Test func `a program that does not exist is reported at once and leaves no process`() throws {
        let bench = Workbench()
        #expect(throws: LaunchFailure(step: .execute, errno: ENOENT, executable: "/no/such/program")) {
            try bench.launch("/no/such/program", [])
        }
    }

    @Test func `a file that may not be executed and a directory that is missing are told apart`() throws {
        let bench = Workbench()
        _ = FileManager.default.createFile(atPath: bench.path("data"), contents: Data("text".utf8), attributes: [.posixPermissions: 0o644])
        #expect(throws: LaunchFailure(step: .execute, errno: EACCES, executable: bench.path("data"))) {
            try bench.launch(bench.path("data"), [])
        }
        #expect(throws: LaunchFailure(step: .directory, errno: ENOENT, executable: "/bin/true")) {
            try bench.launch("/bin/true", []) { $0.directory = "/no/such/directory" }
        }
    }

    @Test func `what a filter's child sends before it fails to execute is not taken for the next one's`() throws {
        let bench = Workbench()
        #expect(throws: LaunchFailure.self) { try bench.launch("/no/such/program", []) { $0.handOff = .bind } }
        let process = try bench.launch("/bin/true", []) { $0.handOff = .bind }
        #expect(process.listener != nil)
        #expect(bench.wait(process) == 0)
    }

    @Test func `the identity is written before the program runs`() throws {
        let bench = Workbench()
        let record = open(bench.path("record"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(record) }
        write(record, "boot ", 5)
        let process = try bench.launch("/bin/sh", ["-c", "cat record; cut -d' ' -f22 /proc/$$/stat; exit 0"]) {
            $0.record = record
            $0.recordOffset = 5
        }
        #expect(bench.wait(process) == 0)
        let lines = bench.output.split(separator: "\n")
        let fields = lines[0].split(separator: " ")
        #expect(fields.first == "boot" && Int32(fields[1]) == process.pid && UInt64(fields[2]) == process.startTime)
        #expect(UInt64(lines[1]) == process.startTime)
    }

    @Test func `a launch that was called off leaves no process, and one whose listener nobody takes runs nothing`() throws {
        let bench = Workbench()
        let record = open(bench.path("record"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(record) }
        write(record, "boot never\n", 11)
        let calledOff = try #require(throws: LaunchFailure.self) {
            _ = try bench.launch("/bin/sh", ["-c", "echo ran"]) {
                $0.record = record
                $0.recordOffset = 5
            }
        }
        #expect(calledOff.step == .record && calledOff.errno == ECANCELED)
        let (line, other) = try Sockets.pair(.sequencedPackets)
        close(other)
        defer { close(line) }
        let refused = try #require(throws: LaunchFailure.self) {
            _ = try bench.launch("/bin/sh", ["-c", "echo ran"]) {
                $0.handOff = .bind
                $0.custody = Launch.Custody(socket: line, message: "listener")
            }
        }
        #expect(refused.isCustodyRefused)
        #expect(bench.output == "")
    }

    @Test func `the listener is in custody before the record says that the program runs`() throws {
        let bench = Workbench()
        let (line, keeper) = try Sockets.pair(.sequencedPackets)
        defer {
            close(line)
            close(keeper)
        }
        let process = try bench.launch("/bin/sh", ["-c", "exit 3"]) {
            $0.handOff = .bind
            $0.custody = Launch.Custody(socket: line, message: "listener")
        }
        let kept = try #require(try DescriptorPassing.receive(from: keeper))
        #expect(String(decoding: kept.bytes, as: UTF8.self) == "listener" && kept.descriptors.count == 1)
        kept.descriptors.forEach(closeDescriptor)
        #expect(bench.wait(process) == 3)
    }

    @Test(arguments: [false, true]) func `a program keeps the listener of its calls only where it is asked to, for whoever comes later`(
        keeps: Bool
    )
        throws
    {
        let bench = Workbench()
        let process = try bench.launch("/bin/sh", ["-c", "exec sleep 60"]) {
            $0.handOff = .bind
            $0.keepsListener = keeps
        }
        let identity = ProcessIdentity(pid: process.pid, startTime: process.startTime)
        let listener = Launcher.keptListener(of: identity, process.pidfd)
        #expect((listener != nil) == keeps)
        if let listener {
            kill(process.pid, SIGKILL)
            // The kernel says on it that nobody is left whose calls could arrive.
            var poll = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            #expect(Glibc.poll(&poll, 1, 10_000) == 1 && Int32(poll.revents) & POLLHUP != 0)
            closeDescriptor(listener)
        }
    }

    @Test func `once the program runs, neither it nor its launcher holds the lock of its record`() throws {
        let bench = Workbench()
        let lock = try #require(try FileLock.take(bench.path("record")))
        let process = try bench.launch("/bin/sh", ["-c", "exec sleep 60"]) { $0.record = lock.fd }
        #expect(try FileLock.take(bench.path("record")) == nil)
        lock.release()
        // Children that other tests start at this moment may have a copy for as long as they are not their programs yet.
        var again: FileLock?
        let loop = try EventLoop()
        #expect(
            loop.runUntil(within: patience) {
                again = (try? FileLock.take(bench.path("record"))) ?? nil
                if again == nil { loop.later {} }
                return again != nil
            })
        again?.release()
        try Processes.signal(process.pidfd, SIGKILL)
        #expect(bench.wait(process) == 137)
    }

    @Test func `the child leads its own session, ignores nothing, blocks nothing and has no descriptors but three`() throws {
        let bench = Workbench()
        let stray = open("/dev/null", O_RDONLY)
        defer { close(stray) }
        signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, SIG_DFL) }
        // The shell blocks signals of its own around each fork, so only its last program tells.
        let process = try bench.launch(
            "/bin/sh", ["-c", "ls /proc/self/fd | wc -w; cut -d' ' -f6 /proc/$$/stat; exec grep -E 'SigBlk|SigIgn' /proc/self/status"])
        _ = bench.wait(process)
        // `ls` has its own fourth descriptor on the directory.
        #expect(bench.output.hasPrefix("4\n\(process.pid)\n"))
        #expect(bench.output.contains("SigBlk:\t0000000000000000"))
        #expect(bench.output.contains("SigIgn:\t0000000000000000"))
    }

    @Test(.enabled(if: python != nil)) func `two unmodified servers that bind port 8080 of every address run beside each other`() throws {
        let bench = Workbench()
        for address in ["127.77.0.2", "127.77.0.3"] {
            var handOff = BindHandOff(podAddress: ipv4(address))
            let server = try bench.launch(python!, ["-m", "http.server", "8080"]) { $0.handOff = .bind }
            #expect(bench.answer(server, &handOff) { $0 == .moved(port: 8080) })
            #expect(answers(address, 8080))
        }
    }

    @Test(.enabled(if: node != nil)) func `a Node server binds every IPv6 address and is found at the pod's IPv4 address`() throws {
        let bench = Workbench()
        var handOff = BindHandOff(podAddress: ipv4("127.77.0.4"))
        let server = try bench.launch(node!, ["-e", "require('http').createServer((q,s)=>s.end('x')).listen(8080)"]) { $0.handOff = .bind }
        #expect(bench.answer(server, &handOff) { $0 == .moved(port: 8080) })
        #expect(answers("127.77.0.4", 8080))
    }

    @Test(.enabled(if: nginx != nil)) func `nginx with one listen for each IP family starts, and its IPv6 twin is told that all is well`()
        throws
    {
        let bench = Workbench()
        let configuration = """
            daemon off; master_process off; pid \(bench.path("pid")); error_log \(bench.path("error.log"));
            events {} http { access_log off; client_body_temp_path \(bench.path("b")); proxy_temp_path \(bench.path("p")); fastcgi_temp_path \(bench.path("f"));
            uwsgi_temp_path \(bench.path("u")); scgi_temp_path \(bench.path("s")); server { listen 8081; listen [::]:8081; return 200 ok; } }
            """
        try configuration.write(toFile: bench.path("nginx.conf"), atomically: true, encoding: .utf8)
        var handOff = BindHandOff(podAddress: ipv4("127.77.0.5"))
        let server = try bench.launch(nginx!, ["-c", bench.path("nginx.conf")]) { $0.handOff = .bind }
        #expect(bench.answer(server, &handOff) { $0 == .moved(port: 8081) })
        #expect(bench.answer(server, &handOff) { $0 == .twin(port: 8081) })
        #expect(answers("127.77.0.5", 8081))
    }

    @Test(.enabled(if: python != nil))
    func `datagram sockets and binds from other threads move, too; a second bind of the same kind is refused`() throws {
        let bench = Workbench()
        let program = """
            import socket, threading
            def work():
                a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(('0.0.0.0', 5353)); print(a.getsockname()[0])
                b = socket.socket(); b.bind(('127.0.0.1', 8080)); print(b.getsockname()[0]); b.listen()
                c = socket.socket(); c.bind(('', 0)); print(c.getsockname()[0])
                d = socket.socket()
                try: d.bind(('', 8080))
                except OSError as e: print(e.errno)
            t = threading.Thread(target=work); t.start(); t.join()
            """
        var handOff = BindHandOff(podAddress: ipv4("127.77.0.6"))
        let process = try bench.launch(python!, ["-c", program]) { $0.handOff = .bind }
        var outcomes: [BindHandOff.Outcome] = []
        #expect(
            bench.answer(process, &handOff) {
                outcomes.append($0)
                return outcomes.count == 4
            })
        #expect(bench.wait(process) == 0)
        #expect(bench.output == "127.77.0.6\n127.77.0.6\n0.0.0.0\n98\n")
        #expect(outcomes[..<3] == [.moved(port: 5353), .moved(port: 8080), .unchanged])
    }

    @Test func `addresses are read as bind(2) receives them`() {
        let v4: ([UInt8]) -> [UInt8] = { [2, 0, 0x1f, 0x90] + $0 + [0, 0, 0, 0, 0, 0, 0, 0] }
        let v6: ([UInt8]) -> [UInt8] = { [10, 0, 0x1f, 0x90, 0, 0, 0, 0] + $0 + [0, 0, 0, 0] }
        let zeros = [UInt8](repeating: 0, count: 15)
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        let table: [([UInt8], AddressCall.Destination)] = [
            (v4([0, 0, 0, 0]), .any(port: 8080)), (v4([127, 0, 0, 1]), .loopback(port: 8080)), (v4([127, 0, 0, 2]), .local(port: 8080)),
            (v4([10, 0, 0, 2]), .other),
            (v6(zeros + [0]), .any(port: 8080)), (v6(zeros + [1]), .loopback(port: 8080)), (v6(zeros + [2]), .other),
            (v6(mapped + [0, 0, 0, 0]), .any(port: 8080)), (v6(mapped + [127, 0, 0, 1]), .loopback(port: 8080)),
            (v6(mapped + [10, 0, 0, 1]), .other),
            ([1, 0, 0x2f], .other), ([], .other), ([10, 0, 0, 80, 0, 0, 0, 0, 0, 0], .other),
        ]
        for (bytes, destination) in table { #expect(AddressCall.place(of: bytes).map { .init($0) } ?? .other == destination, "\(bytes)") }
    }
}
