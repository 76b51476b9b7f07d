import Linux
import Resources
import Supervision
import Timing
import Transport
import Wire

/// Performs one probe or hook: a request, a connection, a command, a pause.
struct ActionRunner {
    let context: AgentContext
    let pod: PodSpec
    let podIP: IPv4Address
    let container: Container
    let process: ContainerProcess
    /// The container's environment and directory; its program is replaced by the command.
    let plan: LaunchPlan?
    let user: Launch.User?
    /// Which calls of a command are answered for it.
    let handOff: Launch.HandOff
    /// Who may answer at the pod's own address; nil: anybody.
    let listeners: ListenerUsers?

    /// What a finished action says; the message matters for a failure.
    typealias Outcome = (succeeded: Bool, message: String)

    /// How much of a command's output is told.
    private static let outputLimit = 1024
    /// How much of it is read at once.
    private static let readSize = 4096

    /// `done` is called once, unless it is cancelled before. `timeout` nil: as long as it takes.
    func run(_ action: Probe.Action, timeout: Duration?, _ done: @escaping (Outcome) -> Void) -> Cancellation {
        switch action {
        case .httpGet(let get): return request(get, timeout, done)
        case .tcpSocket(let host, let reference):
            guard let port = port(reference) else { return answer((false, "unknown port \(reference)"), done) }
            return connect(to: .ipv4(address(host), port: port.number), timeout, done)
        case .exec(let command): return execute(command, timeout, done)
        case .sleep(let length):
            let timer = context.loop.schedule(after: length) { done((true, "")) }
            return Cancellation { timer.cancel() }
        case .grpc: return answer((false, Self.noGRPC), done)
        }
    }

    /// Why an action can never be asked, here or as it is written. What a probe asks in vain says nothing about the program.
    func obstacle(to action: Probe.Action) -> String? {
        switch action {
        case .httpGet(let get) where port(get.port) == nil: "unknown port \(get.port)"
        case .tcpSocket(_, let reference) where port(reference) == nil: "unknown port \(reference)"
        case .grpc: Self.noGRPC
        default: nil
        }
    }
    private static let noGRPC = "grpc probes are not available here; use httpGet, tcpSocket or exec"

    func answer(_ outcome: Outcome, _ done: @escaping (Outcome) -> Void) -> Cancellation {
        let timer = context.loop.schedule(after: .zero) { done(outcome) }
        return Cancellation { timer.cancel() }
    }

    private func port(_ reference: PortReference) -> Port? { reference.resolved(in: container) ?? reference.resolved(in: pod) }
    /// The pod's own for an empty name and for this machine: its loopback binds were moved to its address.
    private func address(_ host: String) -> IPv4Address {
        host.isEmpty || host == "localhost" || host == "127.0.0.1" ? podIP : IPv4Address(host) ?? podIP
    }

    /// What is wrong with who listens at a place that has just answered; nil when it is the pod's own program, or another address than the pod's.
    func stranger(at target: SocketAddress) -> Outcome? {
        guard let listeners, case .ipv4(podIP, let port) = target else { return nil }
        guard let found = try? context.listeners.user(at: podIP.bits, port: port), case .stranger(let user) = listeners.judge(.user(found))
        else {
            return nil
        }
        return (false, "\(target) is held by a program of user \(user), not of the pod's (\(listeners.text))")
    }

    private func request(_ get: Probe.HTTPGet, _ timeout: Duration?, _ done: @escaping (Outcome) -> Void) -> Cancellation {
        guard let port = port(get.port) else { return answer((false, "unknown port \(get.port)"), done) }
        let target = SocketAddress.ipv4(address(get.host), port: port.number)
        if get.isHTTPS { return greet(target, get, timeout, done) }
        var headers = HTTPHeaders()
        headers.add("User-Agent", "kube-probe/1.33")
        headers.add("Accept", "*/*")
        for header in get.headers { headers.set(header.name, header.value) }
        var request = ClientRequest("GET", get.path, headers: headers)
        request.sharesConnections = false
        let url = "http://\(target)\(get.path)"
        // As in Kubernetes the status alone counts, so the rest of the answer is not waited for, however long it is.
        var isOver = false
        var exchange: Cancellation?
        func finish(_ outcome: Outcome) {
            guard !isOver else { return }
            isOver = true
            done(outcome)
        }
        let loop = context.loop
        let stream = context.http.stream(request, to: target, timeout: timeout) { head in
            let isFine = (200..<400).contains(head.status)
            finish(stranger(at: target) ?? (isFine ? (true, "") : (false, "HTTP probe failed with statuscode: \(head.status)")))
            loop.later {
                exchange?.cancel()
                exchange = nil
            }
        } onBytes: { _ in
        } onEnd: { error in
            exchange = nil
            finish((false, "Get \"\(url)\": \(error?.description ?? "no answer")"))
        }
        exchange = stream
        return stream
    }

    private func execute(_ command: [String], _ timeout: Duration?, _ done: @escaping (Outcome) -> Void) -> Cancellation {
        guard var plan, let program = command.first else { return answer((false, "no command"), done) }
        plan.program = program
        plan.arguments = command
        guard let pipe = try? CommandPipe(owner: user) else { return answer((false, "no descriptors left"), done) }
        let (sink, source) = (pipe.sink, pipe.source)
        let started: LaunchedProcess
        do { started = try process.startBeside(plan, user: user, output: sink, handOff: handOff) } catch {
            closeDescriptor(sink)
            closeDescriptor(source)
            let problem = (error as? LaunchProblem)?.message ?? "\(error)"
            return answer((false, "command could not be started: \(problem)"), done)
        }
        closeDescriptor(sink)
        context.leaders.insert(started.pid)
        let context = context
        var told: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: Self.readSize)
        func read() -> Int {
            let count = Files.readAvailable(source, into: &buffer)
            told += buffer[..<min(count, Self.outputLimit - told.count)]
            return count
        }
        // All of it is read, or a command that prints much would be held up; the beginning is kept.
        var reading: EventLoop.Watch?
        reading = try? context.loop.watch(source, .read) { readiness in
            if read() == 0, readiness.isHungUp { reading?.cancel() }
        }
        var watch: EventLoop.Watch?
        var timer: EventLoop.Timer?
        var isOver = false
        func finish(_ report: ((ExitStatus, String) -> Outcome)?) {
            guard !isOver else { return }
            let status: ExitStatus
            switch Processes.reap(started.pidfd) {
            case .running: return
            case .ended(let how): status = how
            // Reaped by another: how it ended is lost, so it counts as failed.
            case .notOurs: status = .killed(signal: 9)
            }
            isOver = true
            watch?.cancel()
            timer?.cancel()
            reading?.cancel()
            while told.count < Self.outputLimit, read() > 0 {}
            closeDescriptor(source)
            closeDescriptor(started.pidfd)
            context.leaders.remove(started.pid)
            if let report { done(report(status, String(decoding: told, as: UTF8.self))) }
        }
        var isLate = false
        var isCancelled = false
        watch = try? context.loop.watch(started.pidfd, .read) { _ in
            finish(
                isCancelled
                    ? nil
                    : { status, text in
                        if isLate { return (false, "command timed out after \(timeout?.inSeconds ?? 0) s") }
                        return (status == .exited(code: 0), text.isEmpty ? "command exited with \(status.code)" : text)
                    })
        }
        if let timeout {
            timer = context.loop.schedule(after: timeout) {
                isLate = true
                Survivors.signal(group: started.pid, 9)
            }
        }
        return Cancellation {
            guard !isOver else { return }
            isCancelled = true
            Survivors.signal(group: started.pid, 9)
        }
    }
}
