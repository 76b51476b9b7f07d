import Foundation
import Testing

extension Transcripts {
    /// Services are found by their names, with programs of every machine, unmodified.
    @Suite(.serialized) struct NameTests {
        private func apply(_ manifest: String, to instance: Instance) throws {
            let path = instance.directory + "/names.yaml"
            try instance.write(manifest, to: path)
            try instance.steady("apply -f \(path)")
            try instance.waitUntilRouted()
        }

        /// What a pod printed that runs to its end.
        private func output(of pod: String, in instance: Instance) throws -> String {
            try instance.steady("wait pod/\(pod) --for=jsonpath={.status.phase}=Succeeded --timeout 90s")
            return try instance.start("logs \(pod)").finish().out
        }

        /// Two servers behind a Service at port 80 and one without an address.
        private static let servers = """
            \(PodFeatureManifests.pythonServers("payments", replicas: 2))
            apiVersion: v1
            kind: Service
            metadata: {name: payments}
            spec: {selector: {app: payments}, ports: [{name: http, port: 80, targetPort: http}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: each}
            spec: {clusterIP: None, selector: {app: payments}, ports: [{name: http, port: 80, targetPort: http}]}
            ---

            """

        /// Asks by hand over UDP, as a resolver does that believes whom its socket is connected to.
        private static let asking = """
            import socket, struct
            server = [l.split()[1] for l in open('/etc/resolv.conf') if l.startswith('nameserver')]
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30); s.connect((server[0] if server else '127.0.0.1', 53))
            q = b''.join(bytes([len(l)]) + l.encode() for l in 'each.default.svc.cluster.local'.split('.')) + bytes([0, 0, 1, 0, 1])
            s.send(struct.pack('>6H', 7, 256, 1, 0, 0, 0) + q); a = s.recv(512); print('udp', struct.unpack('>H', a[6:8])[0])
            print('tcp', sorted({i[4][0] for i in socket.getaddrinfo('each', 8080)}) == sorted(
                {i[4][0] for i in socket.getaddrinfo('each.default.svc.cluster.local.', 8080)}), len({i[4][0] for i in socket.getaddrinfo('each', 8080)}))
            import urllib.request; print('http', urllib.request.urlopen('http://payments.default/').status)
            try: socket.getaddrinfo('nobody.default.svc.cluster.local', 80)
            except socket.gaierror as e: print('none', e.errno == socket.EAI_NONAME)
            """

        private static func client(_ name: String, _ command: [String], more: String = "") -> String {
            let words = command.map { "'" + $0.replacingOccurrences(of: "'", with: "''") + "'" }.joined(separator: ", ")
            return Workload.pod(
                name, more + "restartPolicy: Never\n", containers: "- {name: main, image: none, command: [\(words)]}")
        }

        @Test(arguments: Account.available) func `A pod reaches a Service by its name, whatever program asks`(account: Account) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.steady("up --detach")
            try apply(Self.servers, to: instance)
            try instance.steady("rollout status deployment/payments --timeout 90s")
            try instance.waitUntilRouted()
            let script = instance.directory + "/ask.py"
            try instance.write(Self.asking, to: script)
            let node = "/usr/bin/node"
            let hasNode = FileManager.default.isExecutableFile(atPath: node)
            let lookups = """
                const dns = require('dns');
                dns.lookup('payments', (e, a) => { console.log(e ? e.code : a);
                dns.resolve4('payments.default.svc.cluster.local', (e, b) => { console.log(e ? e.code : b[0] === a);
                dns.resolveSrv('_http._tcp.payments.default.svc.cluster.local', (e, s) => { console.log(e ? e.code : s[0].port + ' ' + s[0].name) }) }) });
                """
            let lookup = instance.directory + "/lookup.js"
            try instance.write(lookups, to: lookup)
            var clients = Self.client("curl", ["/usr/bin/curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://payments/"])
            clients += Self.client("python", ["/usr/bin/python3", script])
            clients += Self.client("machine", ["/usr/bin/env"], more: "dnsPolicy: Default\n")
            if hasNode { clients += Self.client("node", [node, lookup]) }
            try apply(clients, to: instance)
            #expect(try output(of: "curl", in: instance) == "200")
            #expect(try output(of: "python", in: instance) == "udp 2\ntcp True 2\nhttp 200\nnone True\n")
            #expect(try !output(of: "machine", in: instance).contains("LOCALDOMAIN"))
            if hasNode {
                let service = try instance.start("get service payments -o jsonpath={.spec.clusterIP}").finish().out
                #expect(try output(of: "node", in: instance) == "\(service)\ntrue\n80 payments.default.svc.cluster.local\n")
            }
        }

        /// Asks the cluster's name server from outside of any pod, over UDP and over TCP, and waits for both answers.
        private static let waiting = """
            import socket, struct, sys
            name, server = sys.argv[2], (sys.argv[1], 10053)
            query = struct.pack('>6H', 7, 256, 1, 0, 0, 0) + b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + bytes([0, 0, 1, 0, 1])
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.settimeout(60); udp.connect(server); udp.send(query)
            tcp = socket.create_connection(server, 60); tcp.sendall(struct.pack('>H', len(query)) + query)
            print('asked', flush=True)
            print('udp', socket.inet_ntoa(udp.recv(4096)[-4:]))
            stream = tcp.makefile('rb'); print('tcp', socket.inet_ntoa(stream.read(struct.unpack('>H', stream.read(2))[0])[-4:]))
            """

        @Test func `Questions that come after the proxy was killed are answered by the next, over UDP and over TCP`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            try apply(
                """
                apiVersion: v1
                kind: Service
                metadata: {name: payments}
                spec: {selector: {app: payments}, ports: [{name: http, port: 80}]}

                """, to: instance)
            let service = try instance.start("get service payments -o jsonpath={.spec.clusterIP}").finish().out
            let words = ["-c", Self.waiting, "127.\(service.split(separator: ".")[1]).0.1", "payments.default.svc.cluster.local"]
            func ask() throws -> Command { try Command("/usr/bin/python3", words, environment: ["PATH": "/usr/bin:/bin"]) }
            let answers = "asked\nudp \(service)\ntcp \(service)\n"
            let before = try ask().finish(within: 60)
            #expect(before.out == answers, "\(before.text)")

            let lock = try RoleLock("proxy-1", of: instance)
            defer { lock.release() }
            try lock.kill()
            let asking = try ask()
            #expect(asking.waitForOutput("asked"), "nobody refuses who connects or sends")
            lock.release()
            let told = asking.finish(within: 60)
            #expect(told.out == answers, "\(told.text)")
        }

        private static let goSource = """
            package main
            import ("fmt"; "net"; "os")
            func main() {
                for _, name := range os.Args[1:] {
                    found, err := net.LookupHost(name)
                    if err != nil { fmt.Println("none"); continue }
                    fmt.Println(found[0])
                }
            }

            """
        private static let cSource = """
            #include <netdb.h>
            #include <stdio.h>
            int main(int count, char **names) {
                struct addrinfo *found;
                for (int i = 1; i < count; i++) puts(getaddrinfo(names[i], 0, 0, &found) ? "none" : "found");
                return 0;
            }

            """

        /// Builds a program for a test; false where the machine has no compiler for it.
        private func build(_ command: String, source: String, named file: String, in instance: Instance) throws -> Bool {
            try instance.write(source, to: instance.directory + "/" + file)
            let compiler = command.split(separator: " ").first { !$0.contains("=") } ?? ""
            guard try instance.shell("command -v \(compiler)").code == 0 else { return false }
            let built = try instance.shell("cd \(instance.directory) && GO111MODULE=off \(command)", within: 300)
            #expect(built.code == 0, "\(built.text)")
            return built.code == 0
        }

        @Test func `What finds Services by full names alone, or by none, is named with the remedy`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            let names = ["payments", "payments.default.svc.cluster.local"]
            var clients: [(name: String, says: [String], reason: String?)] = []
            let address = "127.32.0.9"
            for (name, command, source, file, says, reason) in [
                ("cgo", "CGO_ENABLED=1 go build -o cgo lookup.go", Self.goSource, "lookup.go", [address, address], nil),
                ("pure", "CGO_ENABLED=0 go build -o pure lookup.go", Self.goSource, "lookup.go", ["none", address], "NamesLimited"),
                ("musl", "musl-gcc -o musl lookup.c", Self.cSource, "lookup.c", ["none", "none"], "NamesUnavailable"),
            ] where try build(command, source: source, named: file, in: instance) {
                clients.append((name, says, reason))
            }
            try instance.steady("up --detach")
            try apply(Self.servers, to: instance)
            let known = try instance.start("get service payments -o jsonpath={.spec.clusterIP}").finish().out
            for client in clients {
                try apply(Self.client(client.name, [instance.directory + "/" + client.name] + names), to: instance)
                let said = try output(of: client.name, in: instance).split(separator: "\n").map(String.init)
                #expect(said == client.says.map { $0 == address ? known : $0 }, "\(client.name)")
                var events = ""
                // Events are written behind what matters.
                try instance.wait("the event of \(client.name) is written") {
                    events = try instance.steady("get events --field-selector involvedObject.name=\(client.name)")
                    return events.contains(client.reason ?? "Started")
                }
                for reason in ["NamesLimited", "NamesUnavailable"] {
                    #expect(events.contains(reason) == (reason == client.reason), "\(client.name): \(events)")
                }
                if client.reason != nil {
                    #expect(events.contains("$PAYMENTS_SERVICE_HOST") || events.contains("$EACH_SERVICE_HOST"), "\(events)")
                }
            }
        }

        @Test func `A pod with a name server of its own asks that one`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            try apply(Self.servers, to: instance)
            // The cluster's, named by its address; and one where nobody listens.
            let block = try instance.steady("get service payments -o jsonpath={.spec.clusterIP}").split(separator: ".")[1]
            let script = instance.directory + "/look.py"
            try instance.write(
                """
                import socket
                try: print(len(socket.getaddrinfo('payments.default.svc.cluster.local', 80)) > 0)
                except socket.gaierror: print('none')
                """, to: script)
            var clients = ""
            // Who is sure to be answered waits as long as that takes.
            for (name, server, patience) in [("own", "127.\(block).0.1", 30), ("nobody", "127.\(block).0.99", 1)] {
                clients += Self.client(
                    name, ["/usr/bin/python3", script],
                    more:
                        "dnsPolicy: None\ndnsConfig: {nameservers: [\(server)], options: [{name: timeout, value: \"\(patience)\"}, {name: attempts, value: \"1\"}]}\n"
                )
            }
            try apply(clients, to: instance)
            #expect(try output(of: "own", in: instance) == "True\n")
            #expect(try output(of: "nobody", in: instance) == "none\n")
        }
    }
}
