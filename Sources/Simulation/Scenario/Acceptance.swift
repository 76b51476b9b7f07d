import Formats
import Registry
import Resources
import Timing

/// What a server would say to the objects of an application, asked before anything of it is simulated.
package enum Acceptance {
    /// Why objects would be refused, by their place. They are created in their order, AFTER all namespaces that they stand in.
    package static func refusals(of objects: [Value]) -> [(index: Int, error: StatusError)] {
        var registry = Registry()
        var random = SeededRandom(seed: 1)
        let now = Timestamp(secondsSince1970: 1_767_225_600)
        _ = registry.bootstrap(now: now, random: &random)
        var refusals: [(index: Int, error: StatusError)] = []
        func create(_ object: Value, _ type: ResourceType, _ namespace: String) -> StatusError? {
            let submission = registry.submit(.create(object, type: type, namespace: namespace), now: now, random: &random)
            guard case .reply(.failure(let error), after: _) = submission else { return nil }
            return error
        }
        let typed = objects.enumerated().compactMap { index, object in
            ResourceType.of(apiVersion: object["apiVersion"].string ?? "", kind: object["kind"].string ?? "").map { (index, object, $0) }
        }
        for (index, object, type) in typed where type == .namespaces {
            if let error = create(object, type, "") { refusals.append((index, error)) }
        }
        for name in Set(objects.compactMap { $0["metadata"]["namespace"].string }).sorted() {
            // One that is there by now is refused, which is as good.
            _ = create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]], .namespaces, "")
        }
        for (index, object, type) in typed where type != .namespaces {
            let namespace = type.isNamespaced ? object["metadata"]["namespace"].string ?? "default" : ""
            if let error = create(object, type, namespace) { refusals.append((index, error)) }
        }
        return refusals.sorted { $0.index < $1.index }
    }
}
