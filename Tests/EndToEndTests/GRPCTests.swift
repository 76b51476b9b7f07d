import Foundation
import Testing

/// Programs of gRPC's own library for Python, without code that was generated: messages are the octets that they are.
private enum GRPCScripts {
    /// Debian's, with Debian's Python.
    static let python = "/usr/bin/python3"
    static let isThere: Bool = {
        guard FileManager.default.isExecutableFile(atPath: python) else { return false }
        return (try? Command(python, ["-c", "import grpc"], environment: [:]).finish().code) == 0
    }()

    /// Answers one message, or each of a stream, with its pod's name before it; at SIGTERM it finishes what was begun.
    static let server = """
        import grpc, os, signal, threading
        from concurrent import futures

        def answer(message):
            return os.environ["POD_NAME"].encode() + b" " + message

        def once(message, context):
            return answer(message)

        def each(messages, context):
            for message in messages:
                yield answer(message)

        server = grpc.server(futures.ThreadPoolExecutor(16))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Echo", {
            "Once": grpc.unary_unary_rpc_method_handler(once),
            "Each": grpc.stream_stream_rpc_method_handler(each),
        }),))
        server.add_insecure_port("0.0.0.0:8080")
        server.start()
        asked = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: asked.set())
        asked.wait()
        server.stop(10).wait()
        """

    /// Calls both methods at each of its ports, over one channel for each, until a file says that it is enough; its progress is in another one.
    static let client = """
        import grpc, json, os, queue, sys, time

        folder, ports = sys.argv[1], sys.argv[2:]
        done = {"calls": 0, "streams": 0, "messages": 0, "failures": [], "pods": []}
        channels = [grpc.insecure_channel("127.0.0.1:" + port) for port in ports]

        def taken(answer, message):
            pod, echo = answer.split(b" ", 1)
            if echo != message:
                raise ValueError("%r is the answer to %r" % (answer, message))
            if pod.decode() not in done["pods"]:
                done["pods"].append(pod.decode())
            return pod

        def call(channel):
            message = os.urandom(2000)
            taken(channel.unary_unary("/Echo/Once")(message, timeout=60), message)
            done["calls"] += 1

        def stream(channel):
            questions = queue.Queue()
            answers = channel.stream_stream("/Echo/Each")(iter(questions.get, None), timeout=60)
            pods = set()
            for _ in range(20):
                message = os.urandom(20_000)
                questions.put(message)
                pods.add(taken(next(answers), message))
                done["messages"] += 1
                time.sleep(0.01)
            questions.put(None)
            if len(pods) != 1 or next(answers, None) is not None:
                raise ValueError("a stream of %r goes on, or has moved" % pods)
            done["streams"] += 1

        while not os.path.exists(folder + "/enough"):
            for channel in channels:
                for way in (call, call, stream):
                    try:
                        way(channel)
                    except (grpc.RpcError, ValueError, StopIteration) as error:
                        done["failures"].append(str(error))
                        time.sleep(0.1)
            with open(folder + "/new", "w") as file:
                json.dump(done, file)
            os.rename(folder + "/new", folder + "/progress")
        """

    /// What the client has done, as it says.
    struct Progress: Decodable {
        var calls: Int
        var streams: Int
        var messages: Int
        var failures: [String]
        var pods: [String]
    }

    /// One port says what it carries, the other is only named so.
    static func manifest(_ script: String, ports: [Int]) -> String {
        Workload.deployment(
            "echo", replicas: 3, labels: "app: web", grace: 20,
            containers: """
                - name: main
                  image: none
                  command: [\(python), "\(script)"]
                  ports: [{name: grpc, containerPort: 8080}]
                  readinessProbe: {tcpSocket: {port: grpc}, periodSeconds: 1}
                """) + """
                apiVersion: v1
                kind: Service
                metadata: {name: echo}
                spec:
                  type: NodePort
                  selector: {app: web}
                  ports:
                  - {name: grpc, port: 80, targetPort: grpc, nodePort: \(ports[0])}
                  - {name: calls, port: 81, targetPort: grpc, nodePort: \(ports[1]), appProtocol: kubernetes.io/h2c}
                """
    }
}

extension Transcripts {
    /// gRPC passes through a Service as TCP.
    @Suite(.serialized) struct GRPCTests {
        @Test(.enabled(if: GRPCScripts.isThere, "no python3-grpcio"))
        func `gRPC's single calls and its streams go through a Service, and none is lost in a roll`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            let ports = [instance.port, try FreePort.inNodePortRange()]
            let (server, client) = (instance.directory + "/server.py", instance.directory + "/client.py")
            try instance.write(GRPCScripts.server, to: server)
            try instance.write(GRPCScripts.client, to: client)
            try instance.write(GRPCScripts.manifest(server, ports: ports), to: instance.manifest)
            try instance.steady("up --detach -f \(instance.manifest)")
            try instance.steady("rollout status deployment/echo --timeout 90s")
            try instance.waitUntilRouted()

            let calling = try Command(
                GRPCScripts.python, [client, instance.directory] + ports.map(String.init), environment: ["PATH": "/usr/bin:/bin"])
            func progress() -> GRPCScripts.Progress? {
                guard let data = FileManager.default.contents(atPath: instance.directory + "/progress") else { return nil }
                return try? JSONDecoder().decode(GRPCScripts.Progress.self, from: data)
            }
            func wait(for streamCount: Int) throws {
                let before = progress()?.streams ?? 0
                try instance.wait("calls go on") { (progress()?.streams ?? 0) >= before + streamCount }
            }
            try wait(for: 6)
            let old = Set(try instance.pods().map(\.name))
            try instance.steady("rollout restart deployment/echo")
            try instance.steady("rollout status deployment/echo --timeout 90s")
            try instance.wait("the old pods are gone") { try old.isDisjoint(with: instance.pods().map(\.name)) }
            try wait(for: 6)
            try instance.write("", to: instance.directory + "/enough")
            let output = calling.finish()
            let done = try #require(progress(), "\(output.text)")
            #expect(done.failures == [], "\(output.text)")
            #expect(done.messages == 20 * done.streams && done.calls == 2 * done.streams)
            #expect(!old.isDisjoint(with: done.pods) && !old.isSuperset(of: done.pods), "\(done.pods)")
        }
    }
}
