import Formats

/// Says what a container's `image:` means where there are no containers: which program is started, and how.
package struct Image: Sendable {
    package var meta: ObjectMeta
    /// Canonical, see `ImageReference`.
    package var reference: String
    package var command: [String]
    package var args: [String]
    package var workingDir: String
    package var env: [EnvVar]
    package var ports: [ContainerPort]
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        let spec = value["spec"]
        reference = ImageReference.normalize(spec["reference"].string ?? "")
        command = spec["command"].strings
        args = spec["args"].strings
        workingDir = spec["workingDir"].string ?? ""
        env = spec["env"].elements.map { EnvVar($0) }
        ports = spec["ports"].elements.map { ContainerPort($0) }
    }

    package var key: ObjectKey { ObjectKey(.images, name: meta.name) }
}

/// What one proxy routes by, what it still has to finish, and which nodes' endpoints refuse it.
package struct ProxyStatus: Sendable {
    package var meta: ObjectMeta
    /// Every event of Services and EndpointSlices up to here is in its table.
    package var routeRevision: Revision
    /// Open exchanges per terminating endpoint, by `address:port`.
    package var activeExchanges: [String: Int]
    /// The nodes of which no ready endpoint accepts connections; to each the absence of its agent during which that was found.
    package var refusals: [String: String]
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        routeRevision = value["status"]["routeRevision"].string.flatMap { Revision($0) } ?? .zero
        activeExchanges = [:]
        for endpoint in value["status"]["endpoints"].elements {
            if let address = endpoint["address"].string { activeExchanges[address] = endpoint["activeExchanges"].count }
        }
        refusals = [:]
        for entry in value["status"]["refusals"].elements {
            if let node = entry["node"].string { refusals[node] = entry["absence"].string }
        }
    }

    package var key: ObjectKey { ObjectKey(.proxyStatuses, name: meta.name) }
}
