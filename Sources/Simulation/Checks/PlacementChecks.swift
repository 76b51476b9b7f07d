import Resources

/// Nothing is placed where nobody is who could begin it.
final class PresentAgents: Check {
    let name = "no pod is placed on a node whose agent is known to be away"

    func observe(_ observation: Observation, in world: World) {
        guard case .submitting(.patch(let key, .merge(let body), nil, _), .scheduler, let store) = observation, key.type == .pods,
            let node = body["spec"]["nodeName"].string, let server = world.host.server, server.store === store,
            server.plane.nodeCare.absences[node] != nil
        else { return }
        world.violate(name, "\(key.name) is placed on \(node)")
    }
}
