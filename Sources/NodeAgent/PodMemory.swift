import Formats
import Supervision

/// What a pod keeps to over restarts of its agent: its address, and what its images meant at its first launch.
struct PodMemory: Hashable {
    var namespace: String
    var name: String
    var address: AddressPool.Address?
    /// The `spec` of the Image, by container.
    var images: [String: Value] = [:]

    init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    init(_ value: Value) {
        self.init(namespace: value["namespace"].string ?? "", name: value["name"].string ?? "")
        address = value["address"].string.flatMap { AddressPool.parse($0) }
        for (container, spec) in value["images"].object ?? [:] { images[container] = spec }
    }

    var value: Value {
        [
            "namespace": .string(namespace), "name": .string(name), "address": address.map { .string(AddressPool.text($0)) } ?? .null,
            "images": .object(Object(images.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })),
        ]
    }
}
