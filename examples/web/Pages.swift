import Glibc

/// What the server says, by path.
final class Pages {
    private let version: String
    private let pod: String
    private let zone: String
    private let echoFile: Int32
    /// The status that it answers with, whatever it is asked but for its health; nil: it is well.
    private let illness: String?
    private let delayInMilliseconds: Int
    private var isReady = true
    private var isHealthy = true
    private var servedCount = 0

    init(version: String, pod: String, zone: String, echoFile: String?, illness: String?, delayInMilliseconds: Int) {
        self.version = version
        self.pod = pod
        self.zone = zone
        self.illness = illness
        self.delayInMilliseconds = delayInMilliseconds
        // O_APPEND: each write is one line at the end, also when several replicas share the file.
        self.echoFile = echoFile.map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) } ?? -1
        if echoFile != nil, self.echoFile < 0 { fail("ECHO_ID_FILE cannot be opened: \(String(cString: strerror(errno)))") }
    }

    struct Answer {
        var status: String
        var type = "text/plain; charset=utf-8"
        var body: String
        /// How long it is held back.
        var delayInMilliseconds = 0

        static func text(_ status: String, _ body: String) -> Answer { Answer(status: status, body: body) }
    }

    func answer(_ request: Request) -> Answer {
        servedCount += 1
        guard illness == nil || ["/health", "/ready"].contains(request.path) else { return .text(illness ?? "", "ill\n") }
        var answer = page(request)
        if request.path == "/" { answer.delayInMilliseconds = delayInMilliseconds }
        return answer
    }

    private func page(_ request: Request) -> Answer {
        switch request.path {
        case "/": return greeting(asJSON: request.acceptsJSON)
        case "/health": return isHealthy ? .text("200 OK", "healthy\n") : .text("500 Internal Server Error", "not healthy\n")
        case "/ready": return isReady ? .text("200 OK", "ready\n") : .text("503 Service Unavailable", "not ready\n")
        case "/unready":
            isReady = false
            return .text("200 OK", "not ready from now on\n")
        case "/unhealthy":
            // It answers everything else as before: only a liveness probe ends it.
            isHealthy = false
            return .text("200 OK", "not healthy from now on\n")
        case "/slow":
            let delay = request.query("ms").flatMap { Int($0) } ?? 1000
            var answer = Answer.text("200 OK", "slept \(delay) ms\n")
            answer.delayInMilliseconds = max(0, min(delay, 600_000))
            return answer
        case "/crash":
            say("asked to crash", to: 2)
            exit(3)
        case "/hang":
            say("asked to hang", to: 2)
            // Answers nobody any more and ignores SIGTERM: only a liveness probe and SIGKILL help.
            while true { pause() }
        case "/echo-id" where request.method == "POST":
            guard record(request.body) else { return .text("500 Internal Server Error", "the id could not be recorded\n") }
            return .text("200 OK", String(decoding: request.body, as: UTF8.self))
        default:
            return .text(
                "404 Not Found", "no such page; there are / /health /ready /unready /unhealthy /slow?ms= /crash /hang and POST /echo-id\n")
        }
    }

    private func greeting(asJSON: Bool) -> Answer {
        guard asJSON else { return .text("200 OK", "web \(version) from pod \(pod) in zone \(zone)\n") }
        let body = "{\"version\":\"\(version)\",\"pod\":\"\(pod)\",\"zone\":\"\(zone)\",\"pid\":\(getpid()),\"served\":\(servedCount)}\n"
        return Answer(status: "200 OK", type: "application/json", body: body)
    }

    private func record(_ id: [UInt8]) -> Bool {
        if echoFile < 0 { return true }
        let line = id + [UInt8(ascii: "\n")]
        return line.withUnsafeBytes { write(echoFile, $0.baseAddress, $0.count) } == line.count
    }
}
