import Formats

/// A question put to a container again and again.
package struct Probe: Hashable, Sendable {
    package var action: Action
    package var initialDelay: Duration
    package var timeout: Duration
    package var period: Duration
    package var successThreshold: Int
    package var failureThreshold: Int
    /// Overrides the pod's when this probe is the cause of the stop.
    package var terminationGracePeriod: Duration?

    /// Nil where there is no probe or it asks nothing.
    package init?(_ value: Value) {
        guard !value.isNull, let action = Action(value) else { return nil }
        self.action = action
        initialDelay = value["initialDelaySeconds"].seconds ?? .zero
        timeout = value["timeoutSeconds"].seconds ?? .seconds(1)
        period = value["periodSeconds"].seconds ?? .seconds(10)
        successThreshold = Int(value["successThreshold"].int ?? 1)
        failureThreshold = Int(value["failureThreshold"].int ?? 3)
        terminationGracePeriod = value["terminationGracePeriodSeconds"].seconds
    }

    /// How long it takes after a start until a program that never answers has failed.
    package var timeToFail: Duration {
        Self.timeToFail(initialDelay: initialDelay, period: period, failureThreshold: failureThreshold, timeout: timeout)
    }

    /// The same, from a probe's fields.
    package static func timeToFail(initialDelay: Duration, period: Duration, failureThreshold: Int, timeout: Duration) -> Duration {
        initialDelay + period * failureThreshold + timeout
    }

    /// What a probe or a hook does.
    package enum Action: Hashable, Sendable {
        case exec([String])
        case httpGet(HTTPGet)
        /// An empty host is the pod's IP.
        case tcpSocket(host: String, PortReference)
        case grpc(Port, service: String)
        /// Hooks only.
        case sleep(Duration)

        package init?(_ value: Value) {
            if case .object = value["exec"] {
                self = .exec(value["exec"]["command"].strings)
            } else if case .object = value["httpGet"], let get = HTTPGet(value["httpGet"]) {
                self = .httpGet(get)
            } else if let port = PortReference(value["tcpSocket"]["port"]) {
                self = .tcpSocket(host: value["tcpSocket"]["host"].string ?? "", port)
            } else if let port = value["grpc"]["port"].int.flatMap({ Port($0) }) {
                self = .grpc(port, service: value["grpc"]["service"].string ?? "")
            } else if let length = value["sleep"]["seconds"].seconds {
                self = .sleep(length)
            } else {
                return nil
            }
        }
    }

    /// A probe that asks over HTTP: 200 to 399 is success.
    package struct HTTPGet: Hashable, Sendable {
        package var path: String
        package var port: PortReference
        /// Empty: the pod's IP.
        package var host: String
        package var isHTTPS: Bool
        /// In the order of the manifest.
        package var headers: [Header]

        /// A header of the probe's request.
        package struct Header: Hashable, Sendable {
            package var name: String
            package var value: String
        }

        init?(_ value: Value) {
            guard let port = PortReference(value["port"]) else { return nil }
            self.port = port
            let path = value["path"].string ?? ""
            self.path = path.isEmpty ? "/" : path.hasPrefix("/") ? path : "/" + path
            host = value["host"].string ?? ""
            isHTTPS = value["scheme"].string == "HTTPS"
            headers = value["httpHeaders"].elements.map { Header(name: $0["name"].string ?? "", value: $0["value"].string ?? "") }
        }
    }
}

/// What is done right after a container's start and before its end.
package struct Lifecycle: Hashable, Sendable {
    package var postStart: Probe.Action?
    package var preStop: Probe.Action?
    /// `SIGQUIT`; nil: SIGTERM.
    package var stopSignal: String?

    package init(_ value: Value) {
        postStart = Probe.Action(value["postStart"])
        preStop = Probe.Action(value["preStop"])
        stopSignal = value["stopSignal"].string
    }
}
