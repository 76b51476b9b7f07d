import APIClient
import Formats
import Linux
import Resources
import Timing
import Transport
import Wire

/// Follows one container's log also over the death of the server or of the node's agent: connects again and goes on where it was.
///
/// Keeps itself alive until it has called `onEnd`.
final class LogFollowing {
    private let api: RemoteAPI
    private let pod: Value
    private let container: String
    private let query: [(String, String)]
    private let onBytes: ([UInt8]) -> Void
    private let onEnd: (StatusError?) -> Void
    private var log: FollowedLog
    private var patience = WatchPatience()
    private let began = Clock.realtime()

    /// Between two attempts: many logs may be followed at once.
    private static let pause: Duration = .milliseconds(100)

    /// - Parameters:
    ///   - query: what to ask the log for first; afterwards only what is missing is asked for.
    ///   - onEnd: nil when the log is whole: the container ended, or its pod is gone.
    init(
        _ api: RemoteAPI, pod: Value, container: String, query: [(String, String)], showsTimes: Bool, onBytes: @escaping ([UInt8]) -> Void,
        onEnd: @escaping (StatusError?) -> Void
    ) {
        self.api = api
        self.pod = pod
        self.container = container
        self.query = query.filter { $0.0 != "timestamps" } + [("timestamps", "true"), ("container", container)]
        self.onBytes = onBytes
        self.onEnd = onEnd
        log = FollowedLog(showsTimes: showsTimes)
    }

    private var key: ObjectKey { ObjectKey(.pods, namespace: pod.namespaceName, name: pod.name) }

    func start() { connect(query, isFirst: true) }

    private func connect(_ query: [(String, String)], isFirst: Bool) {
        var hasBegun = false
        let opened = Clock.monotonic()
        _ = api.stream(
            ClientRequest("GET", RequestTarget.text(segments: RequestCoding.segments(key, .log), query: query)),
            onBytes: { [self] bytes in
                hasBegun = true
                patience.renew()
                onBytes(log.take(bytes))
            },
            onEnd: { [self] error in
                guard let error else { return onEnd(nil) }
                // An answer that broke off had been one: the time that may pass begins now. A quiet log has no other sign of life.
                let wasOpen = hasBegun || error.reason == "AnswerLost" && Clock.monotonic() - opened > Self.pause
                if wasOpen { patience.renew() }
                // What cannot be had from the start is said at once.
                let mayGoOn = !isFirst || wasOpen || error.reason == "AnswerLost"
                guard mayGoOn, patience.isLeft else { return onEnd(error) }
                goOnSoon()
            })
    }

    private func goOnSoon() {
        _ = api.loop.schedule(after: Self.pause) { [self] in goOn() }
    }

    /// The pod is looked at first: of one that is gone there is nothing more to come.
    private func goOn() {
        api.perform(.get(key)) { [self] result in
            switch result {
            case .success(let reply) where reply.object["metadata"]["uid"] == pod["metadata"]["uid"]:
                connect(remaining(), isFirst: false)
            case .success: onEnd(nil)
            case .failure(let error) where error.code == 404: onEnd(nil)
            case .failure(let error):
                guard patience.isLeft else { return onEnd(error) }
                goOnSoon()
            }
        }
    }

    /// The query for what has not come yet.
    private func remaining() -> [(String, String)] {
        let since = log.reconnect() ?? (query.contains { $0 == ("tailLines", "0") } ? began.rfc3339Nano : nil)
        guard let since else { return query }
        return query.filter { !["tailLines", "sinceSeconds", "sinceTime"].contains($0.0) } + [("sinceTime", since)]
    }
}
