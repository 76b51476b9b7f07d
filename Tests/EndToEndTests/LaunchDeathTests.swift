import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// An agent may die between any two system calls of a launch: its program still runs once, and never twice.
    @Suite(.serialized) struct LaunchDeathTests {
        @Test(.enabled(if: Stepper.isAllowed, "this user may trace no process of its own that is not its child"), arguments: [false, true])
        func `A program runs exactly once, before whichever of a launch's system calls its agent dies`(isHeld: Bool) throws {
            let instance = try Instance()
            defer { instance.stop() }
            let record = instance.directory + "/record"
            for program in ["replica", "stepper"] {
                try FileManager.default.copyItem(atPath: Instance.products + "/" + program, toPath: instance.directory + "/" + program)
            }
            try Data().write(to: URL(fileURLWithPath: record))
            // Pods may run as another user.
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: record)
            try instance.steady("up --detach --zones \(Self.zones.joined(separator: ","))")

            var deaths = 0
            for step in 0..<Self.stepLimit {
                let name = "p\(step)"
                let node = Self.zones[step % Self.zones.count] + "1"
                let agent = pid(ofAgent: node, instance)
                let stepper = try Stepper(instance.directory + "/stepper", agent, step: step, isHeld: isHeld)
                defer { stepper.stop() }
                #expect(stepper.line() == "ready")
                try instance.write(pod(name, node, record, instance), to: instance.directory + "/pod.yaml")
                try instance.steady("apply -f \(instance.directory)/pod.yaml")
                let outcome = stepper.line()
                if outcome == "started" {
                    // Every system call has had its turn.
                    try instance.wait("\(name) is ready") { try runs(name, instance) == "true 0" }
                    break
                }
                #expect(outcome.hasPrefix("killed before "))
                deaths += 1
                if isHeld {
                    // Its successor either starts another, or has taken this one over and waits for it.
                    try instance.wait("a successor") { ![0, agent].contains(pid(ofAgent: node, instance)) }
                    let patience = Date(timeIntervalSinceNow: 0.5)
                    while Date() < patience, try runs(name, instance) != "true 0" {}
                    stepper.goOn()
                }
                try instance.wait("\(name) is ready, and was not restarted, after \(outcome)") { try runs(name, instance) == "true 0" }
                #expect(try starts(record)[name] == 1, "\(outcome)")
            }
            #expect(deaths > 12)
            // The held ones that were called off have ended by now, or never will.
            #expect(try starts(record).allSatisfy { $0.value == 1 })
            #expect(try instance.steady("get pods").contains("p0"))
        }

        /// A launch makes about 17 system calls from its setsid on.
        private static let stepLimit = 60
        /// Several, since an agent that dies again and again waits ever longer.
        private static let zones = ["a", "b", "c", "d", "e", "f"]

        private func pod(_ name: String, _ node: String, _ record: String, _ instance: Instance) -> String {
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              nodeName: \(node)
              terminationGracePeriodSeconds: 1
              containers:
                - name: main
                  image: none
                  command: [/bin/sh, -c, 'echo $POD_NAME >> \(record); exec \(instance.directory)/replica']
                  readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
            """
        }

        /// `true 0`: ready, never restarted.
        private func runs(_ name: String, _ instance: Instance) throws -> String {
            let path = "{.status.containerStatuses[0].ready} {.status.containerStatuses[0].restartCount}"
            let command = try Command(
                instance.directory + "/steady", ["get", "pod", name, "-o", "jsonpath=\(path)"],
                environment: ["PATH": "/usr/bin:/bin", "STEADY_DATA_DIR": instance.dataDirectory])
            return command.finish(within: 30).out
        }

        private func starts(_ record: String) throws -> [String: Int] {
            try String(contentsOfFile: record, encoding: .utf8).split(separator: "\n").reduce(into: [:]) { $0[String($1), default: 0] += 1 }
        }

        private func pid(ofAgent node: String, _ instance: Instance) -> Int32 {
            let lock = try? String(contentsOfFile: instance.dataDirectory + "/roles/agent-\(node).lock", encoding: .utf8)
            return lock.flatMap { Int32($0.split(separator: "\n").first ?? "") } ?? 0
        }
    }
}

/// Kills a process at a chosen system call of its next launch (`Tests/Fixtures/stepper`).
private final class Stepper {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// Root may trace everybody; others only where no rule narrows it to their own children.
    static let isAllowed: Bool = {
        if geteuid() == 0 { return true }
        let scope = try? String(contentsOfFile: "/proc/sys/kernel/yama/ptrace_scope", encoding: .utf8)
        return scope == nil || scope?.hasPrefix("0") == true
    }()

    init(_ program: String, _ pid: Int32, step: Int, isHeld: Bool) throws {
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["\(pid)", "\(step)", isHeld ? "held" : "free"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// The next line that it says; empty when it has ended.
    func line() -> String {
        var text = ""
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), let scalar = byte.first, scalar != UInt8(ascii: "\n") {
            text.unicodeScalars.append(Unicode.Scalar(scalar))
        }
        return text
    }

    func goOn() { try? input.fileHandleForWriting.write(contentsOf: Data("\n".utf8)) }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }
}
